import { createLogger } from "@dossier/service";
import { confirmBulkAction, createBulkAction, decideNextBatch, findBulkAction } from "@dossier/store";
import { openRecord } from "@dossier/store/fixtures";
import { captureLog, waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { createBulkRunner } from "../src/bulk-runner.ts";
import { createDatabase, startTestConsole, useConsole } from "./harness.ts";

const UNPARSABLE = { action: "discard", filter: { reason: "unparsable" }, reason: "junk" } as const;

test("a bulk action decides about what it selected when it was made, and about nothing later", async (context) => {
  const { recordAndSettle, post, get, statuses, bulkActionEnd } = await startTestConsole(context);
  const ids = await recordAndSettle(...Array<string>(11).fill("{"));
  const made = await post("/bulk-actions", UNPARSABLE);
  const id = made.json.bulkActionId;
  expect([made.status, made.headers.location]).toEqual([201, `/api/v1/bulk-actions/${id}`]);
  expect(made.json).toMatchObject({
    ...UNPARSABLE,
    state: "previewed",
    total: 11,
    decided: 0,
    createdBy: "bootstrap",
    confirmedBy: null,
    sample: ids
      .toReversed()
      .slice(0, 10)
      .map((deliveryId) => ({ deliveryId, reason: "unparsable" })),
  });
  const [later = ""] = await recordAndSettle("{");
  await post(`/dead-letters/${ids[3]}/redrive`, { reason: "meanwhile" });

  const confirmed = await post(`/bulk-actions/${id}/confirm`);
  expect([confirmed.status, confirmed.json.confirmedBy]).toEqual([202, "bootstrap"]);
  expect(await bulkActionEnd(id)).toMatchObject({ state: "completed", total: 11, decided: 10, missed: 1 });
  expect(await statuses([ids[0]!, ids[3]!, later])).toEqual(["discarded", "open", "unparsable"]);
  expect((await get(`/bulk-actions/${id}`)).json.sample).toEqual(made.json.sample);
  expect((await get(`/bulk-actions/${id}/failures`)).json).toEqual({
    items: [{ deliveryId: ids[3], failure: "changed" }],
    nextCursor: null,
  });
  expect((await post(`/bulk-actions/${id}/confirm`)).json).toMatchObject({ state: "completed" });
  const aborted = await post(`/bulk-actions/${id}/abort`);
  expect([aborted.status, aborted.json.code]).toEqual([409, "already-completed"]);
});

test("failures and bulk actions are paged", async (context) => {
  const { recordAndSettle, post, get, bulkActionEnd } = await startTestConsole(context);
  const ids = await recordAndSettle("{", "{", "{");
  const { json } = await post("/bulk-actions", UNPARSABLE);
  await post("/dead-letters/discard", { deliveryIds: ids, reason: "meanwhile" });
  await post(`/bulk-actions/${json.bulkActionId}/confirm`);
  await bulkActionEnd(json.bulkActionId);
  const path = `/bulk-actions/${json.bulkActionId}/failures?limit=2`;
  const page = (await get(path)).json;
  expect(page.items).toMatchObject([{ deliveryId: ids[0] }, { deliveryId: ids[1] }]);
  expect((await get(`${path}&cursor=${page.nextCursor}`)).json.items).toMatchObject([{ deliveryId: ids[2] }]);

  const later = (await post("/bulk-actions", UNPARSABLE)).json;
  const latest = (await get("/bulk-actions?limit=1")).json;
  expect(latest.items).toMatchObject([{ bulkActionId: later.bulkActionId, state: "previewed", total: 0 }]);
  expect((await get(`/bulk-actions?limit=1&cursor=${latest.nextCursor}`)).json.items).toMatchObject([
    { bulkActionId: json.bulkActionId, state: "completed" },
  ]);
});

test("a console goes on with what another one left when it was killed", async (context) => {
  const DATABASE_URL = await createDatabase(context);
  const { pool, recordAndSettle, rows } = await openRecord(context, { url: DATABASE_URL, size: 2 });
  await recordAndSettle("{", "{", "{");
  const id = await createBulkAction(pool, { ...UNPARSABLE, createdBy: "Ada" });
  await confirmBulkAction(pool, id, "Ada");
  await decideNextBatch(pool, crypto.randomUUID(), 1);
  await rows("update bulk_actions set held_until = now()");

  const { bulkActionEnd } = await startTestConsole(context, { config: { DATABASE_URL } });
  expect(await bulkActionEnd(id)).toMatchObject({ state: "completed", decided: 3, missed: 0 });
  expect(await rows("select distinct decided_by from decisions")).toEqual([{ decided_by: "Ada" }]);
  expect(await rows("select from decisions")).toHaveLength(3);
});

test("a console that shuts down ends its batch, and leaves the rest to the next one", async (context) => {
  const { pool, rows, recordAndSettle, post, close, logLines } = await startTestConsole(context);
  const [id] = await recordAndSettle("{", "{");
  const connection = await pool.connect();
  await connection.query("begin");
  await connection.query("select from settlements where delivery_id = $1 for update", [id]);
  const { json } = await post("/dead-letters/discard", { all: true, reason: "junk" });
  await waitFor(async () => (await rows("select from pg_locks where not granted")).length > 0);
  const closed = close();
  await connection.query("rollback");
  connection.release();
  await closed;
  expect(logLines().filter(({ level }) => level === "warn")).toEqual([]);
  expect(await findBulkAction(pool, json.bulkActionId)).toMatchObject({ state: "running", decided: 2 });
  expect(await decideNextBatch(pool, crypto.randomUUID())).toMatchObject({ action: "discard", decided: [] });
});

test("bulk actions that fail are logged once and retried", async (context) => {
  const { pool, recordAndSettle, rows } = await openRecord(context, { size: 3 });
  await recordAndSettle("{");
  const id = await createBulkAction(pool, { ...UNPARSABLE, createdBy: "Ada" });
  await confirmBulkAction(pool, id, "Ada");
  await rows("alter table settlements rename to gone");
  const output = captureLog();
  const log = createLogger({ service: "console", level: "info", destination: output });
  const runner = createBulkRunner({ pool, updateQueue: async () => true, log });
  context.onTestFinished(runner.stop);
  const codes = () => output.lines().map(({ code }) => code);
  runner.start();
  await waitFor(() => codes().includes("bulk-actions-failed"));
  await rows("alter table gone rename to settlements");
  await waitFor(async () => {
    runner.wake();
    return (await findBulkAction(pool, id))?.state === "completed";
  });
  expect(codes()).toEqual(["bulk-actions-failed", "bulk-actions-recovered"]);
});

test("a bulk action that fails is logged with its id", async (context) => {
  const { pool, recordAndSettle, rows } = await openRecord(context, { size: 3 });
  await recordAndSettle("{");
  await rows("alter table decisions add constraint refused check (false)");
  const bulkActionId = await createBulkAction(pool, { ...UNPARSABLE, createdBy: "Ada" });
  await confirmBulkAction(pool, bulkActionId, "Ada");
  const output = captureLog();
  const log = createLogger({ service: "console", level: "info", destination: output });
  const runner = createBulkRunner({ pool, updateQueue: async () => true, log });
  context.onTestFinished(runner.stop);

  runner.start();

  const [line] = await waitFor(
    () => output.lines(),
    (lines) => expect(lines).toHaveLength(1),
  );
  expect(line).toMatchObject({ code: "bulk-action-failed", bulkActionId });
});

test("what the queue did not take is recorded even if Postgres fails first", async (context) => {
  const { pool, recordAndSettle, rows } = await openRecord(context, { size: 3 });
  await recordAndSettle("{");
  const id = await createBulkAction(pool, { ...UNPARSABLE, createdBy: "Ada" });
  await confirmBulkAction(pool, id, "Ada");
  const log = createLogger({ service: "console", level: "info", destination: captureLog() });
  const updated = Promise.withResolvers<void>();
  const runner = createBulkRunner({
    pool,
    async updateQueue() {
      await rows("alter table bulk_action_deliveries rename to gone");
      updated.resolve();
      return false;
    },
    log,
  });
  context.onTestFinished(runner.stop);

  runner.start();
  await updated.promise;
  await rows("alter table gone rename to bulk_action_deliveries");

  await waitFor(
    () => {
      runner.wake();
      return findBulkAction(pool, id);
    },
    (found) => expect(found).toMatchObject({ state: "completed", queueMissed: 1 }),
  );
});

const shared = useConsole(({ recordAndSettle }) => recordAndSettle("{"));

test("an aborted bulk action is not carried out", async () => {
  const { post, get } = shared();
  const { json } = await post("/bulk-actions", UNPARSABLE);
  const aborted = await post(`/bulk-actions/${json.bulkActionId}/abort`);
  expect([aborted.status, aborted.json]).toMatchObject([200, { state: "aborted", abortedBy: "bootstrap" }]);
  const confirmed = await post(`/bulk-actions/${json.bulkActionId}/confirm`);
  expect([confirmed.status, confirmed.json.code]).toEqual([409, "already-aborted"]);
  expect((await get("/dead-letters")).json.counts).toEqual({ unparsable: 1 });
});

test.each([
  [{ action: "redrive", reason: "r" }, "filter", "must have one field at least, unless `all` is true"],
  [{ ...UNPARSABLE, filter: {} }, "filter", "must have one field at least, unless `all` is true"],
  [{ ...UNPARSABLE, filter: null }, "filter", "must be an object"],
  [{ ...UNPARSABLE, filter: { unknown: 1 } }, "filter.unknown", "is not known"],
  [{ ...UNPARSABLE, all: true }, "filter", "must not be given together with another way to select"],
  [{ ...UNPARSABLE, reason: undefined }, "reason", "is required"],
  [{ ...UNPARSABLE, reason: " " }, "reason", "must not be blank"],
  [{ ...UNPARSABLE, reason: "\ud800" }, "reason", "must be valid Unicode"],
  [{ ...UNPARSABLE, action: "settle" }, "action", "must be one of redrive, discard, restore"],
  [{ ...UNPARSABLE, deliveryIds: [] }, "deliveryIds", "is not known"],
])("a bulk action is refused if its body is invalid, case %#", async (body, name, message) => {
  const { status, json } = await shared().post("/bulk-actions", body);
  expect([status, json.errors]).toEqual([400, [{ in: "body", name, message }]]);
});

test("there is no bulk action with an unknown id", async () => {
  const { get, post } = shared();
  const answers = [
    await get("/bulk-actions/2147483647"),
    await get("/bulk-actions/2147483647/failures"),
    await post("/bulk-actions/2147483647/confirm"),
    await post("/bulk-actions/2147483647/abort"),
  ];
  for (const { status, json } of answers) expect([status, json.code]).toEqual([404, "not-found"]);
});

test.each(["x", "0", "-1", "1.5", "2147483648", "99999999999999999999"])(
  "the id %s of a bulk action is refused with the range, once",
  async (id) => {
    const { status, json } = await shared().get(`/bulk-actions/${id}`);
    const message = "must be a whole number from 1 to 2147483647";
    expect([status, json.errors]).toEqual([400, [{ in: "path", name: "bulkActionId", message }]]);
  },
);
