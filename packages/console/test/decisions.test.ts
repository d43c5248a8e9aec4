import { randomUUID } from "node:crypto";
import { eventBody } from "@dossier/store/fixtures";
import { describe, expect, test } from "vitest";
import { dryRunSelection } from "../src/api/dry-run.ts";
import { startTestConsole, useConsole, type TestConsole } from "./harness.ts";

const UNKNOWN = randomUUID();
const unparsableBody = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
const invalidBody = Buffer.from('{"event":"NaturalPersonPending","id":"1","data":{"entityId":"e-invalid"}}');
/** Selects every dead letter. */
const EVERY = { since: "2000-01-01T00:00:00Z" };
const NOTHING_SELECTED =
  "must have one field at least, unless `all` is true or `deliveryIds` names deliveries";
/** More than one batch of a decision. */
const manyBodies = Array.from({ length: 520 }, (_, n) => Buffer.from(`not JSON ${n}`));

describe("redrive", () => {
  test("opens a dead letter, with a job of its own, and records who decided and why", async (context) => {
    const { recordAndSettle, post, get, pool } = await startTestConsole(context);
    const [id = ""] = await recordAndSettle(invalidBody);
    const decision = { reason: "the code is fixed" };
    const { status, json } = await post(`/dead-letters/${id}/redrive`, decision);
    expect([status, json]).toEqual([200, { dryRun: false, redriven: 1, notEnqueued: 0 }]);
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      status: "open",
      decisions: [{ action: "redrive", decidedBy: "bootstrap", ...decision }],
    });
    expect((await get("/dead-letters")).json).toMatchObject({ items: [], counts: {} });
    expect((await get("/stats")).json.queue.jobs).toMatchObject({ waiting: 1 });
    const { rows } = await pool.query("select count(*)::int as jobs from bullmq.job where id = $1", [
      `delivery-${id}`,
    ]);
    expect(rows).toEqual([{ jobs: 1 }]);
  });

  test("opens all dead letters that a filter selects, however many, and no other", async (context) => {
    const { recordAndSettle, decideInBackground, get } = await startTestConsole(context);
    await recordAndSettle(...manyBodies, invalidBody);
    const done = await decideInBackground("/dead-letters/redrive", {
      filter: { reason: "unparsable", text: "not JSON" },
      reason: "fixed",
    });
    expect(done).toMatchObject({ state: "completed", total: 520, decided: 520, missed: 0, queueMissed: 0 });
    expect((await get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });
    expect((await get("/stats")).json.deliveries).toMatchObject({ open: 520, deadLettered: 1 });
  });
});

/** Returns the tables but the audit log, which says who saw the persons of a dry run. */
async function withoutAudit(dump: TestConsole["dump"]) {
  const { audit_log: _, ...record } = await dump();
  return record;
}

describe("a dry run of a redrive", () => {
  test("answers each person's change over all deliveries, and which would fail again", async (context) => {
    const { recordAndSettle, recordAndExhaust, post } = await startTestConsole(context);
    const approval = {
      event: "NaturalPersonManuallyApproved",
      id: "9",
      creationTimeUtc: "2026-02-01T00:00:00Z",
    };
    await recordAndSettle(eventBody("known", approval));
    await recordAndExhaust(eventBody("fresh"));
    await recordAndExhaust(eventBody("known"));
    await recordAndExhaust(eventBody("known", { id: "2" }));
    await recordAndExhaust(eventBody("known", approval));
    const [unparsable] = await recordAndSettle(unparsableBody);
    const { json } = await post("/dead-letters/redrive", { filter: EVERY, dryRun: true });
    expect(json).toMatchObject({
      dryRun: true,
      outcomes: { applied: 3, duplicate: 1, "dead-lettered": 1 },
      persons: [
        { entityId: "known", before: { version: 1 }, after: { version: 3, status: "approved" } },
        { entityId: "fresh", before: null, after: { version: 1 } },
      ],
      unsettled: [{ deliveryId: unparsable, outcome: "dead-lettered", reason: "unparsable" }],
    });
  });

  test("of named deliveries shows a person's whole change, and which are no dead letters", async (context) => {
    const { recordAndExhaust, post, dump } = await startTestConsole(context);
    const ids = [
      await recordAndExhaust(eventBody("new")),
      await recordAndExhaust(eventBody("new", { id: "2" })),
    ];
    await recordAndExhaust(eventBody("another"));
    const before = await withoutAudit(dump);
    const { json } = await post("/dead-letters/redrive", {
      deliveryIds: [...ids, UNKNOWN, ids[0]?.toUpperCase()],
      dryRun: true,
    });
    expect(json).toMatchObject({
      outcomes: { applied: 2, "not-dead-lettered": 1 },
      persons: [{ entityId: "new", before: null, after: { version: 2 } }],
      unsettled: [{ deliveryId: UNKNOWN, outcome: "not-dead-lettered" }],
    });
    expect(json.persons).toHaveLength(1);
    expect(await withoutAudit(dump)).toEqual(before);
  });

  test("lists a person once for each batch of 500 deliveries that changes them", async (context) => {
    const { recordAndSettle, recordAndExhaust, post } = await startTestConsole(context);
    await recordAndExhaust(eventBody("busy"));
    await recordAndSettle(...manyBodies.slice(0, 499));
    await recordAndExhaust(eventBody("busy", { id: "2" }));
    const { json } = await post("/dead-letters/redrive", { filter: EVERY, dryRun: true });
    const change = { entityId: "busy", before: null, after: { version: 1 } };
    expect(json).toMatchObject({
      outcomes: { applied: 2, "dead-lettered": 499 },
      persons: [change, change],
    });
  });

  test("runs the latest of many dead letters, and counts those that it does not run", async (context) => {
    const { recordAndSettle, pool } = await startTestConsole(context);
    const [, , latest] = await recordAndSettle(unparsableBody, unparsableBody, unparsableBody);
    expect(await dryRunSelection(pool, { filter: {} }, 1)).toMatchObject({
      outcomes: { "dead-lettered": 1 },
      notRun: 2,
      unsettled: [{ deliveryId: latest }],
    });
  });

  test("leaves out persons whom a duplicate does not change", async (context) => {
    const { recordAndSettle, recordAndExhaust, post } = await startTestConsole(context);
    await recordAndSettle(eventBody("known"));
    const id = await recordAndExhaust(eventBody("known"));
    const { json } = await post(`/dead-letters/${id}/redrive`, { dryRun: true });
    expect(json).toEqual({
      dryRun: true,
      outcomes: { duplicate: 1 },
      notRun: 0,
      persons: [],
      personsOmitted: 0,
      unsettled: [],
    });
  });

  test("lists persons up to 8 MiB, and counts the others", async (context) => {
    const { recordAndExhaust, post } = await startTestConsole(context);
    for (let i = 0; i < 10; i++)
      await recordAndExhaust(eventBody(`p${i}`, { data: { entity: "x".repeat(900_000) } }));
    const { json } = await post("/dead-letters/redrive", { filter: EVERY, dryRun: true });
    expect(json).toMatchObject({ outcomes: { applied: 10 }, personsOmitted: 1 });
    expect((json as { persons: unknown[] }).persons).toHaveLength(9);
  });

  test("changes nothing, for one dead letter as for all", async (context) => {
    const { recordAndSettle, recordAndExhaust, post, dump } = await startTestConsole(context);
    const id = await recordAndExhaust(eventBody("fresh"));
    await recordAndSettle(unparsableBody);
    const before = await withoutAudit(dump);
    const one = await post(`/dead-letters/${id}/redrive`, { dryRun: true });
    expect(one.json).toMatchObject({
      dryRun: true,
      outcomes: { applied: 1 },
      persons: [{ entityId: "fresh", before: null, after: { status: "pending", version: 1 } }],
      unsettled: [],
    });
    expect((await post("/dead-letters/redrive", { filter: EVERY, dryRun: true })).status).toBe(200);
    expect(await withoutAudit(dump)).toEqual(before);
  });

  test("shows an error of the code without the person's data", async (context) => {
    const { recordAndExhaust, post, pool } = await startTestConsole(context);
    const id = await recordAndExhaust(eventBody("e", { data: { entity: "canary" } }));
    await pool.query(`create function public.refuse(data json) returns boolean language plpgsql as
      $$ begin raise exception 'cannot take "%"', data using errcode = '22023'; end $$`);
    await pool.query("alter table events add check (public.refuse(data))");
    const { json, text } = await post(`/dead-letters/${id}/redrive`, { dryRun: true });
    expect(json).toMatchObject({
      outcomes: { failed: 1 },
      persons: [],
      unsettled: [{ deliveryId: id, outcome: "failed", error: { type: "DatabaseError", code: "22023" } }],
    });
    expect(text).not.toContain("canary");
  });
});

describe("restore", () => {
  test("undoes a discard, once, and records who decided and why", async (context) => {
    const { recordAndSettle, post, get, statuses, decideInBackground } = await startTestConsole(context);
    const [id = "", other = ""] = await recordAndSettle(invalidBody, unparsableBody);
    const decision = { reason: "a mistake" };
    expect((await post(`/dead-letters/${id}/restore`, decision)).status).toBe(404);
    await decideInBackground("/dead-letters/discard", { all: true, reason: "junk" });
    expect((await get("/dead-letters?status=discarded")).json).toMatchObject({
      items: [
        { deliveryId: other, discard: { decidedBy: "bootstrap", reason: "junk" } },
        { deliveryId: id, discard: { decidedBy: "bootstrap", reason: "junk" } },
      ],
      counts: { "invalid-event": 1, unparsable: 1 },
    });

    expect((await post(`/dead-letters/${id}/restore`, { dryRun: true })).json).toEqual({
      dryRun: true,
      restored: 1,
    });
    expect((await post(`/dead-letters/${id}/restore`, decision)).json).toEqual({
      dryRun: false,
      restored: 1,
    });
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      status: "dead-lettered",
      decisions: [{ action: "discard" }, { action: "restore", decidedBy: "bootstrap", ...decision }],
    });
    const deliveryIds = [id, other];
    const found = { restored: 1, notDiscarded: [id] };
    expect((await post("/dead-letters/restore", { deliveryIds, dryRun: true })).json).toEqual({
      dryRun: true,
      ...found,
    });
    expect((await post("/dead-letters/restore", { deliveryIds, ...decision })).json).toEqual({
      dryRun: false,
      ...found,
    });
    expect(await statuses(deliveryIds)).toEqual(["invalid-event", "unparsable"]);
  });

  test("restores all discards that a filter selects, however many, and no other", async (context) => {
    const { recordAndSettle, post, get, decideInBackground } = await startTestConsole(context);
    await recordAndSettle(...manyBodies, invalidBody);
    await decideInBackground("/dead-letters/discard", { all: true, reason: "junk" });
    const filter = { reason: "unparsable" };
    expect((await post("/dead-letters/restore", { filter, dryRun: true })).json).toEqual({
      dryRun: true,
      restored: 520,
    });
    const done = await decideInBackground("/dead-letters/restore", { filter, reason: "a mistake" });
    expect(done).toMatchObject({ total: 520, decided: 520 });
    expect((await get("/stats")).json.deliveries).toMatchObject({ deadLettered: 520, discarded: 1 });
  });
});

describe("discard", () => {
  test("sets a dead letter aside, once, and records who decided and why", async (context) => {
    const { recordAndSettle, post, get } = await startTestConsole(context);
    const [id = ""] = await recordAndSettle(invalidBody);
    const decision = { reason: "a test of iComply's" };
    expect((await post(`/dead-letters/${id}/discard`, decision)).json).toEqual({
      dryRun: false,
      discarded: 1,
      jobsLeft: 0,
    });
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      status: "discarded",
      decisions: [{ action: "discard", decidedBy: "bootstrap", ...decision }],
    });
    expect((await post(`/dead-letters/${id}/discard`, { reason: "again" })).status).toBe(404);
  });

  test("discards all dead letters that a filter selects, however many, with their jobs", async (context) => {
    const { recordAndSettle, settle, post, get, decideInBackground } = await startTestConsole(context);
    const [id = ""] = await recordAndSettle(...manyBodies, invalidBody);
    // Leaves a dead letter that has a job.
    await post(`/dead-letters/${id}/redrive`, { reason: "fixed" });
    await settle([id]);
    expect((await get("/stats")).json.queue.jobs).toMatchObject({ waiting: 1 });
    const done = await decideInBackground("/dead-letters/discard", {
      filter: { reason: "unparsable" },
      reason: "junk",
    });
    expect(done).toMatchObject({ total: 520, decided: 520, queueMissed: 0 });
    expect((await get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });
    const { deliveries, queue } = (await get("/stats")).json;
    expect(deliveries).toMatchObject({ discarded: 520 });
    expect(queue.jobs).toMatchObject({ waiting: 0 });
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      status: "discarded",
      decisions: [{ action: "redrive" }, { action: "discard", decidedBy: "bootstrap", reason: "junk" }],
    });
  });

  test.each([
    [{}, "is required"],
    [{ reason: "" }, "must not be empty"],
    [{ reason: 1 }, "must be text"],
    [{ reason: "a\0b" }, "must not contain NUL"],
  ])("as well as redrive is refused with the body %j, for its reason", async (body, message) => {
    const { get, post } = shared();
    const path = `/dead-letters/${(await get("/dead-letters")).json.items[0].deliveryId}`;
    const selected = { deliveryIds: [path.slice("/dead-letters/".length)] };
    for (const action of ["redrive", "discard", "restore"]) {
      const one = await post(`${path}/${action}`, body);
      expect([one.status, one.json.errors]).toEqual([400, [{ in: "body", name: "reason", message }]]);
      const { status, json } = await post(`/dead-letters/${action}`, { ...selected, ...body });
      expect([status, json.errors]).toEqual([400, [{ in: "body", name: "reason", message }]]);
    }
    expect((await get(path)).json).toMatchObject({ status: "dead-lettered", decisions: [] });
  });

  test("in a dry run counts, needs no reason, and changes nothing", async (context) => {
    const { recordAndSettle, post, dump } = await startTestConsole(context);
    const [id] = await recordAndSettle(unparsableBody, Buffer.from("not JSON"), invalidBody);
    const before = await dump();
    const dryRun = async (path: string, filter?: object) =>
      (await post(`/dead-letters/${path}`, { ...(filter && { filter }), dryRun: true })).json;
    expect(await dryRun("discard", { reason: "unparsable" })).toEqual({ dryRun: true, discarded: 2 });
    expect(await dryRun("discard", EVERY)).toEqual({ dryRun: true, discarded: 3 });
    expect(await dryRun("discard", { reason: "stalled" })).toEqual({ dryRun: true, discarded: 0 });
    expect(await dryRun(`${id}/discard`)).toEqual({ dryRun: true, discarded: 1 });
    expect(await dump()).toEqual(before);
  });
});

const shared = useConsole(({ recordAndSettle }) => recordAndSettle(invalidBody));

describe("named deliveries", () => {
  test("are redriven, and no others; those that are no dead letters are answered", async (context) => {
    const { recordAndSettle, post, statuses } = await startTestConsole(context);
    const [one = "", two = "", other = ""] = await recordAndSettle(
      unparsableBody,
      invalidBody,
      unparsableBody,
    );
    const { json } = await post("/dead-letters/redrive", {
      deliveryIds: [one, UNKNOWN, two, one],
      reason: "fixed",
    });
    expect(json).toEqual({ dryRun: false, redriven: 2, notEnqueued: 0, notDeadLettered: [UNKNOWN] });
    expect(await statuses([one, two, other])).toEqual(["open", "open", "unparsable"]);
  });

  test("are discarded, and no others; those that are no dead letters are answered", async (context) => {
    const { recordAndSettle, post, statuses } = await startTestConsole(context);
    const [one = "", other = ""] = await recordAndSettle(unparsableBody, unparsableBody);
    const deliveryIds = [one, UNKNOWN];
    const found = { discarded: 1, notDeadLettered: [UNKNOWN] };
    const dryRun = await post("/dead-letters/discard", { deliveryIds, dryRun: true });
    expect(dryRun.json).toEqual({ dryRun: true, ...found });
    const discarded = await post("/dead-letters/discard", { deliveryIds, reason: "junk" });
    expect(discarded.json).toEqual({ dryRun: false, jobsLeft: 0, ...found });
    expect(await statuses([one, other])).toEqual(["discarded", "unparsable"]);
  });

  test.each([
    [{ deliveryIds: "x" }, "deliveryIds", "must be a list of UUIDs"],
    [{ deliveryIds: [] }, "deliveryIds", "must not be empty"],
    [{ deliveryIds: ["x"] }, "deliveryIds.0", "must be a UUID"],
    [{ deliveryIds: Array(501).fill(UNKNOWN) }, "deliveryIds", "must have 500 items or fewer"],
    [{}, "filter", NOTHING_SELECTED],
    [{ filter: {} }, "filter", NOTHING_SELECTED],
    [{ all: false }, "all", "must be true"],
    [
      { deliveryIds: [UNKNOWN], filter: {} },
      "filter",
      "must not be given together with another way to select",
    ],
    [{ all: true, filter: EVERY }, "filter", "must not be given together with another way to select"],
  ])("are refused if they are invalid, case %#", async (body, name, message) => {
    for (const action of ["redrive", "discard", "restore"]) {
      const { status, json } = await shared().post(`/dead-letters/${action}`, { reason: "r", ...body });
      expect([status, json.errors]).toEqual([400, [{ in: "body", name, message }]]);
    }
  });
});

describe("a delivery that is not a dead letter", () => {
  test.each(["redrive", "discard", "restore"])("answers 404 to %s", async (action) => {
    const [applied] = await shared().recordAndSettle(eventBody("applied"));
    for (const id of [UNKNOWN, applied]) {
      const { status, json } = await shared().post(`/dead-letters/${id}/${action}`, { reason: "why not" });
      expect([status, json.code]).toEqual([404, "not-found"]);
    }
  });

  test("is named in a redrive's dry run, and answers 404 to a discard's", async () => {
    const [applied] = await shared().recordAndSettle(eventBody("applied"));
    for (const id of [UNKNOWN, applied]) {
      const redrive = await shared().post(`/dead-letters/${id}/redrive`, { dryRun: true });
      expect(redrive.json).toEqual({
        dryRun: true,
        outcomes: { "not-dead-lettered": 1 },
        notRun: 0,
        persons: [],
        personsOmitted: 0,
        unsettled: [{ deliveryId: id, outcome: "not-dead-lettered" }],
      });
      const discard = await shared().post(`/dead-letters/${id}/discard`, { dryRun: true });
      expect([discard.status, discard.json.code]).toEqual([404, "not-found"]);
    }
  });
});

test("while the queue is unavailable, decisions hold, and answers and log say what it missed", async (context) => {
  const { recordAndSettle, post, get, logLines, decideInBackground } = await startTestConsole(context, {
    config: { REDIS_URL: "redis://127.0.0.1:1" },
  });
  const [one = "", other = ""] = await recordAndSettle(unparsableBody, invalidBody);
  const redriven = await post(`/dead-letters/${one}/redrive`, { reason: "fixed" });
  expect(redriven.json).toEqual({ dryRun: false, redriven: 1, notEnqueued: 1 });
  const done = await decideInBackground("/dead-letters/discard", { filter: EVERY, reason: "junk" });
  expect(done).toMatchObject({ decided: 1, missed: 0, queueMissed: 1 });
  expect((await get(`/bulk-actions/${done.bulkActionId}/failures`)).json.items).toEqual([
    { deliveryId: other, failure: "queue-missed" },
  ]);
  expect((await get(`/dead-letters/${one}`)).json.status).toBe("open");
  expect((await get(`/dead-letters/${other}`)).json.status).toBe("discarded");
  expect(logLines().filter(({ level }) => level === "warn")).toMatchObject([
    { code: "redriven-not-enqueued", deliveries: 1 },
    { code: "discarded-jobs-left", deliveries: 1 },
  ]);
  expect((await get("/stats")).json.queue).toEqual({ backend: "redis", jobs: null });
  expect((await get("/queue")).json).toEqual({ backend: "redis", jobs: null, failed: null });
});

describe("an invalid body", () => {
  const expectNoDecision = async () =>
    expect((await shared().get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });

  test.each(["{", "[]", "null", "1", '"x"', "redrive", "{}}", "\u0000"])(
    "such as %j is refused as a whole",
    async (body) => {
      for (const action of ["redrive", "discard", "restore"]) {
        const { status, json } = await shared().post(`/dead-letters/${action}`, body);
        const errors = [{ in: "body", name: "", message: "must be a JSON object" }];
        expect([status, json.errors]).toEqual([400, errors]);
      }
      await expectNoDecision();
    },
  );

  test("such as a misspelt filter is refused with each of its errors", async () => {
    const body = {
      filter: { reasons: "stalled", reason: "none" },
      dryrun: true,
      dryRun: "yes",
      operator: "Ada",
    };
    for (const action of ["redrive", "discard", "restore"]) {
      const { status, json } = await shared().post(`/dead-letters/${action}`, body);
      const names = json.errors.map(({ name }: { name: string }) => name).toSorted();
      expect([action, status, names]).toEqual([
        action,
        400,
        ["dryRun", "dryrun", "filter.reason", "filter.reasons", "operator"],
      ]);
    }
    await expectNoDecision();
  });

  test("of a discard is reported with the missing reason", async () => {
    const { status, json } = await shared().post("/dead-letters/discard", {
      operator: "Ada",
      filter: { reasons: "x" },
    });
    expect([status, json.errors]).toEqual([
      400,
      [
        { in: "body", name: "filter.reasons", message: "is not known" },
        { in: "body", name: "operator", message: "is not known" },
        { in: "body", name: "reason", message: "is required" },
      ],
    ]);
    await expectNoDecision();
  });

  test("is reported together with an invalid path", async () => {
    const { json } = await shared().post("/dead-letters/none/discard", {});
    expect(json.errors).toEqual([
      { in: "path", name: "deliveryId", message: "must be a UUID" },
      { in: "body", name: "reason", message: "is required" },
    ]);
  });

  test("such as one that is too long is refused with 413", async () => {
    const { status, json } = await shared().post("/dead-letters/redrive", { reason: "x".repeat(70_000) });
    expect([status, json.code]).toEqual([413, "too-large"]);
    await expectNoDecision();
  });
});
