import type { DeadLetter } from "@dossier/events";
import { expect, test } from "vitest";
import {
  countBacklog,
  countDeadLetters,
  deadLetter,
  discard,
  findDeadLetter,
  listDeadLetters,
  readHealth,
  readStats,
  recordFailedAttempt,
  redrive,
  restore,
  settle,
  takeDueDeliveries,
} from "../../src/index.ts";
import { tamper, useRecord } from "../database.ts";
import { eventBody, refuseEvents, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const by = { decidedBy: "ada", reason: "the code is fixed" };
const stalled: DeadLetter = { reason: "stalled", message: "gave up", issues: [] };

test("of concurrent calls that dead-letter a delivery, one does, and it is not settled again", async () => {
  const { pool } = database;
  const [id = ""] = await database.record(UNPARSABLE_BODY);
  const results = await Promise.all(Array.from({ length: 4 }, () => deadLetter(pool, id, stalled, "1.2.3")));
  expect(results.filter(Boolean)).toHaveLength(1);
  expect(await database.statuses([id])).toEqual(["stalled"]);
  expect(
    await database.rows("select reason, message, code_version from dead_letters where delivery_id = $1", [
      id,
    ]),
  ).toEqual([{ reason: "stalled", message: "gave up", code_version: "1.2.3" }]);
  expect(await settle(pool, [id], "test")).toEqual(new Map([[id, { kind: "not-open" }]]));
});

test("a settled delivery is not dead-lettered", async () => {
  const { pool } = database;
  const ids = await database.recordAndSettle(UNPARSABLE_BODY);
  expect(await deadLetter(pool, ids[0] ?? "", stalled, "test")).toBe(false);
  expect(await database.rows("select reason from dead_letters where delivery_id = any ($1)", [ids])).toEqual([
    { reason: "unparsable" },
  ]);
});

test("a redriven delivery is open again with all its attempts, and applies after the code is fixed", async () => {
  const { pool } = database;
  const fault = await refuseEvents(pool, "a");
  const [deliveryId = ""] = await database.record(eventBody("a"));
  await expect(settle(pool, [deliveryId], "1.0.0")).rejects.toMatchObject({ code: "22023" });
  const failure = { deliveryId, error: "broken", stack: undefined, codeVersion: "1.0.0" };
  expect(await recordFailedAttempt(pool, failure, [1])).toBe(1);
  expect(await recordFailedAttempt(pool, failure, [1])).toBe(2);
  await deadLetter(pool, deliveryId, { reason: "fold-failed", message: "m", issues: [] }, "1.0.0");

  expect(await redrive(pool, [deliveryId], by)).toEqual([deliveryId]);
  expect(await recordFailedAttempt(pool, failure, [1])).toBe(1);
  await fault.allow();
  expect(await settle(pool, [deliveryId], "1.0.1")).toEqual(new Map([[deliveryId, { kind: "applied" }]]));
  expect(await findDeadLetter(pool, deliveryId)).toMatchObject({
    status: "applied",
    deadLetters: [{ reason: "fold-failed" }],
    decisions: [{ action: "redrive", ...by }],
  });
});

test("an old delivery that is redriven is open since then, for the metric, the API and the worklist", async () => {
  const { pool } = database;
  const [old = ""] = await database.recordAndSettle(UNPARSABLE_BODY);
  await tamper(pool, "update deliveries set received_at = now() - interval '9 d'");
  await redrive(pool, [old], by);
  const ages = async () => [
    (await countBacklog(pool)).oldestSeconds,
    (await readStats(pool)).deliveries.oldestOpenSeconds ?? NaN,
    (Date.now() - Date.parse((await readHealth(pool)).oldestOpenAt ?? "")) / 1_000,
  ];
  for (const age of await ages()) expect(age).toBeLessThan(3_600);

  const [later] = await database.record("{}");
  const backdate = "update open_deliveries set opened_at = now() - interval '1 d' where delivery_id = $1";
  await pool.query(backdate, [later]);
  for (const age of await ages()) expect(Math.round(age / 3_600)).toBe(24);
});

test("a redriven delivery that is not enqueued is swept", async () => {
  const { pool } = database;
  const ids = await database.recordAndSettle(UNPARSABLE_BODY, UNPARSABLE_BODY);
  await redrive(pool, ids, by);
  expect(await takeDueDeliveries(pool, 10)).toEqual([]);
  await pool.query("update open_deliveries set due_at = now()");
  expect((await takeDueDeliveries(pool, 10)).flat().toSorted()).toEqual(ids.toSorted());
});

test("a discarded delivery is neither redriven nor settled, and stays readable", async () => {
  const { pool } = database;
  const [deliveryId = ""] = await database.recordAndSettle(UNPARSABLE_BODY);
  expect(await discard(pool, [deliveryId], { decidedBy: "bob", reason: "noise" })).toEqual([deliveryId]);

  expect(await redrive(pool, [deliveryId], by)).toEqual([]);
  expect(await settle(pool, [deliveryId], "1.0.1")).toEqual(new Map([[deliveryId, { kind: "not-open" }]]));
  expect(await findDeadLetter(pool, deliveryId)).toMatchObject({
    status: "discarded",
    body: UNPARSABLE_BODY,
    deadLetters: [{ reason: "unparsable" }],
    decisions: [{ action: "discard", decidedBy: "bob", reason: "noise" }],
  });
});

test("a discard is undone: the delivery is a dead letter again, listed with its last reason", async () => {
  const { pool } = database;
  const [deliveryId = "", another = ""] = await database.recordAndSettle(UNPARSABLE_BODY, UNPARSABLE_BODY);
  expect(await restore(pool, [deliveryId], by)).toEqual([]);
  await discard(pool, [deliveryId], { decidedBy: "bob", reason: "noise" });
  expect((await listDeadLetters(pool, { status: "discarded" }, { limit: 10 })).items).toMatchObject([
    { deliveryId, reason: "unparsable", discard: { decidedBy: "bob", reason: "noise" } },
  ]);
  expect(await countDeadLetters(pool, { status: "discarded" })).toEqual({ unparsable: 1 });

  expect(await restore(pool, [deliveryId, another], by)).toEqual([deliveryId]);
  expect((await listDeadLetters(pool, { status: "discarded" }, { limit: 10 })).items).toEqual([]);
  expect(await findDeadLetter(pool, deliveryId)).toMatchObject({
    status: "dead-lettered",
    decisions: [{ action: "discard" }, { action: "restore", ...by }],
  });
  expect(await redrive(pool, [deliveryId], by)).toEqual([deliveryId]);
});

test("of concurrent decisions, one redrives or discards, and only a dead-lettered delivery", async () => {
  const { pool } = database;
  const [applied, dead] = await database.recordAndSettle(eventBody("a"), UNPARSABLE_BODY);
  const [open] = await database.record(eventBody("b"));
  const all = [applied!, dead!, open!];

  const done = await Promise.all([redrive(pool, all, by), redrive(pool, all, by), discard(pool, all, by)]);
  expect(done.flat()).toEqual([dead]);
  expect(await database.rows("select from decisions")).toHaveLength(1);
});

test("decisions cannot be changed or removed", async () => {
  const { pool } = database;
  await redrive(pool, await database.recordAndSettle(UNPARSABLE_BODY), by);
  for (const change of [
    "update decisions set decided_by = 'nobody'",
    "delete from decisions",
    "delete from dead_letters",
    "truncate decisions",
  ]) {
    await expect(pool.query(change)).rejects.toThrow("is refused");
  }
});
