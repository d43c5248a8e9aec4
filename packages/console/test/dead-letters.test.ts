import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { desk, event, everything, sharedDesk } from "./desk.ts";

const NOBODY = randomUUID();
const unparsable = Buffer.from([0x7b, 0xff, 0xfe, 0x7d]);
const invalid = Buffer.from(
  '{"event":"NaturalPersonPending","id":"1","data":{"entityId":"e-invalid"},"note":"50%_\\\\"}',
);

interface Page {
  readonly items: readonly { readonly deliveryId: string }[];
  readonly nextCursor: string | null;
  readonly counts: Readonly<Record<string, number>>;
}

describe("GET /dead-letters", () => {
  const ids = { unparsable: "", invalid: "", conflict: "", exhausted: "" };
  const shared = sharedDesk(async ({ take, exhaust }) => {
    [ids.unparsable = ""] = await take(unparsable);
    [ids.invalid = ""] = await take(invalid);
    await take(event("e-conflict"));
    [ids.conflict = ""] = await take(event("e-conflict", { data: { entity: "Somebody Else" } }));
    ids.exhausted = await exhaust(event("e-exhausted"), "TypeError: cannot fold 100%");
  });
  const list = async (query = "") => (await shared().get(`/dead-letters${query}`)).json;
  const listed = async (query: string) => {
    const { items, counts } = await list(query);
    return { ids: items.map((one: { deliveryId: string }) => one.deliveryId), counts };
  };

  test("gives the latest death first, with exact counts by reason", async () => {
    expect(await listed("")).toEqual({
      ids: [ids.exhausted, ids.conflict, ids.invalid, ids.unparsable],
      counts: { unparsable: 1, "invalid-event": 1, "conflicting-duplicate": 1, "fold-failed": 1 },
    });
    const { items } = await list();
    expect(items[1]).toEqual({
      deliveryId: ids.conflict,
      reason: "conflicting-duplicate",
      message: "this event was received before with other data; the first stands",
      event: "NaturalPersonPending",
      id: "1",
      entityId: "e-conflict",
      codeVersion: "test",
      receivedAt: expect.stringMatching(/\.\d{7}Z$/),
      deadLetteredAt: expect.stringMatching(/\.\d{7}Z$/),
    });
  });

  test("filters by reason, type, person, text and time, with the counts of what is meant", async () => {
    const { items } = await list();
    const [exhausted, conflict] = items;
    const cases: [string, string[]][] = [
      ["?reason=invalid-event", [ids.invalid]],
      ["?event=NaturalPersonPending", [ids.exhausted, ids.conflict, ids.invalid]],
      ["?entityId=e-conflict", [ids.conflict]],
      ["?entityId=e-exhausted", [ids.exhausted]],
      ["?entityId=e-invalid", [ids.invalid]],
      [`?text=${encodeURIComponent("50%_\\\\")}`, [ids.invalid]],
      ["?text=50%25_", [ids.invalid]],
      ["?text=50_%25", []],
      ["?text=cannot%20fold%20100%25", [ids.exhausted]],
      ["?text=Somebody", [ids.conflict]],
      ["?text=somebody", []],
      [`?since=${exhausted.deadLetteredAt}`, [ids.exhausted]],
      [`?before=${exhausted.deadLetteredAt}&since=${conflict.deadLetteredAt}`, [ids.conflict]],
      [`?before=${exhausted.deadLetteredAt}`, [ids.conflict, ids.invalid, ids.unparsable]],
      ["?reason=stalled", []],
      ["?reason=&event=&text=", [ids.exhausted, ids.conflict, ids.invalid, ids.unparsable]],
    ];
    for (const [query, expected] of cases) {
      const found = await listed(query);
      expect([query, found.ids]).toEqual([query, expected]);
      const counted = Object.values<number>(found.counts).reduce((sum, count) => sum + count, 0);
      expect([query, counted]).toEqual([query, expected.length]);
    }
  });

  test("is paged through without missing or repeating one, while the counts stay those of all", async () => {
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: Page = await list(`?limit=1&cursor=${cursor}`);
      seen.push(...page.items.map((one: { deliveryId: string }) => one.deliveryId));
      expect(page.counts["fold-failed"]).toBe(1);
      cursor = page.nextCursor;
    }
    expect(seen).toEqual([ids.exhausted, ids.conflict, ids.invalid, ids.unparsable]);
  });

  test("refuses what cannot be meant, all at once, and cursors of other lists", async () => {
    const { status, json } = await shared().get(
      "/dead-letters?reason=none&before=x&limit=0&entity=a&text=%00",
    );
    expect([status, json.errors.map(({ name }: { name: string }) => name).toSorted()]).toEqual([
      400,
      ["before", "entity", "limit", "reason", "text"],
    ]);
    const cursor = Buffer.from('{"entityId":"1"}').toString("base64url");
    expect((await shared().get(`/dead-letters?cursor=${cursor}`)).status).toBe(400);
    const beyond = Buffer.from('{"deadLetterId":"99999999999999999999"}').toString("base64url");
    expect((await shared().get(`/dead-letters?cursor=${beyond}`)).status).toBe(400);
  });

  test("a letter's story has its exact bytes, every death and every attempt", async () => {
    const { json } = await shared().get(`/dead-letters/${ids.unparsable}`);
    expect(json).toMatchObject({
      deliveryId: ids.unparsable,
      outcome: "dead-lettered",
      body: { base64: unparsable.toString("base64"), text: "{��}" },
      headers: { "user-agent": "iComply" },
      verifiedBy: "signature",
      secretFingerprint: "sha256:0",
      deadLetters: [{ reason: "unparsable", codeVersion: "test", entityId: null }],
      attempts: [],
      decisions: [],
    });
    expect((await shared().get(`/dead-letters/${ids.invalid}`)).json.deadLetters[0].issues).not.toEqual([]);
    expect((await shared().get(`/dead-letters/${ids.exhausted}`)).json).toMatchObject({
      attempts: [{ attempt: 1, error: "TypeError: cannot fold 100%", stack: "    at fold (evolve.ts:1:1)" }],
    });
  });

  test("answers 404 to what never died, 400 to what is no UUID", async () => {
    const [applied] = await shared().take(event("fine"));
    for (const id of [NOBODY, applied]) {
      const { status, json } = await shared().get(`/dead-letters/${id}`);
      expect([status, json.code]).toEqual([404, "not-found"]);
    }
    for (const id of ["1", "%00", `${NOBODY}x`, "redrivex"]) {
      const { status, json } = await shared().get(`/dead-letters/${id}`);
      expect([id, status, json.errors]).toEqual([
        id,
        400,
        [{ in: "path", name: "deliveryId", message: "must be a UUID" }],
      ]);
    }
  });
});

describe("redrive", () => {
  test("opens one, with a job of its own, and keeps for ever who decided and why", async (context) => {
    const { take, post, get, pool } = await desk(context);
    const [id = ""] = await take(invalid);
    const { status, json } = await post(`/dead-letters/${id}/redrive`, {
      operator: "Ada",
      reason: "the code is mended",
    });
    expect([status, json]).toEqual([200, { dryRun: false, redriven: 1, notEnqueued: 0 }]);
    const { json: story } = await get(`/dead-letters/${id}`);
    expect(story).toMatchObject({
      outcome: "open",
      decisions: [{ action: "redrive", operator: "Ada", reason: "the code is mended" }],
    });
    expect((await get("/dead-letters")).json).toMatchObject({ items: [], counts: {} });
    expect((await get("/stats")).json.queue.jobs).toMatchObject({ waiting: 1 });
    const { rows } = await pool.query("select count(*)::int as jobs from bullmq.job where id = $1", [
      `delivery-${id}`,
    ]);
    expect(rows).toEqual([{ jobs: 1 }]);
  });

  test("needs no body, and then says that nobody said who or why", async (context) => {
    const { take, ask, get } = await desk(context);
    const [id = ""] = await take(invalid);
    expect((await ask(`/api/v1/dead-letters/${id}/redrive`, { method: "POST" })).status).toBe(200);
    expect((await get(`/dead-letters/${id}`)).json.decisions).toMatchObject([
      { operator: "api", reason: "no reason given" },
    ]);
  });

  test("answers 404 to what is not dead", async (context) => {
    const { take, post } = await desk(context);
    const [applied] = await take(event("fine"));
    for (const id of [NOBODY, applied]) {
      for (const action of ["redrive", "discard"]) {
        const { status, json } = await post(`/dead-letters/${id}/${action}`, { reason: "why not" });
        expect([action, status, json.code]).toEqual([action, 404, "not-found"]);
      }
      const result = await post(`/dead-letters/${id}/redrive`, { dryRun: true });
      expect(result.json).toEqual({
        dryRun: true,
        outcomes: { "not-dead-lettered": 1 },
        persons: [],
        failing: [{ deliveryId: id, outcome: "not-dead-lettered" }],
      });
    }
  });

  test("opens all that a filter means, however many, and no other", async (context) => {
    const { take, post, get } = await desk(context);
    const bodies = Array.from({ length: 520 }, (_, n) => Buffer.from(`not JSON ${n}`));
    await take(...bodies, invalid);
    const { json } = await post("/dead-letters/redrive", {
      filter: { reason: "unparsable", text: "not JSON" },
      operator: "Ada",
    });
    expect(json).toEqual({ dryRun: false, redriven: 520, notEnqueued: 0 });
    expect((await get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });
    expect((await get("/stats")).json.deliveries).toMatchObject({ open: 520, deadLettered: 1 });
    expect((await post("/dead-letters/redrive")).json).toEqual({
      dryRun: false,
      redriven: 1,
      notEnqueued: 0,
    });
  });

  test("result, says what would change for whom and what would fail again, and leaves no trace", async (context) => {
    const { take, exhaust, post, pool } = await desk(context);
    await take(
      event("known", { event: "NaturalPersonManuallyApproved", id: "9", at: "2026-02-01T00:00:00Z" }),
    );
    const fresh = await exhaust(event("fresh"));
    await exhaust(event("known"));
    await exhaust(event("known", { id: "2" }));
    await exhaust(
      event("known", { event: "NaturalPersonManuallyApproved", id: "9", at: "2026-02-01T00:00:00Z" }),
    );
    const [broken] = await take(unparsable);
    const before = await everything(pool);

    const one = await post(`/dead-letters/${fresh}/redrive`, { dryRun: true, operator: "Ada" });
    expect(one.json).toMatchObject({
      dryRun: true,
      outcomes: { applied: 1 },
      persons: [{ entityId: "fresh", before: null, after: { status: "pending", version: 1 } }],
      failing: [],
    });
    const all = await post("/dead-letters/redrive", { dryRun: true });
    expect(all.json).toMatchObject({
      dryRun: true,
      outcomes: { applied: 3, duplicate: 1, "dead-lettered": 1 },
      persons: [
        { entityId: "known", before: { version: 1 }, after: { version: 3, status: "approved" } },
        { entityId: "fresh", before: null, after: { version: 1 } },
      ],
      failing: [{ deliveryId: broken, outcome: "dead-lettered", reason: "unparsable" }],
    });
    expect(await everything(pool)).toEqual(before);
  });

  test("rehearsed on a fault of the code, tells the error without the person's data", async (context) => {
    const { exhaust, post, pool } = await desk(context);
    const id = await exhaust(event("e", { data: { entity: "canary" } }));
    await pool.query(`create function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'cannot take "%"', new.data using errcode = '22023'; end $$`);
    await pool.query("create trigger refuse before insert on events for each row execute function refuse()");
    const { json, text } = await post(`/dead-letters/${id}/redrive`, { dryRun: true });
    expect(json).toMatchObject({
      outcomes: { failed: 1 },
      persons: [],
      failing: [{ deliveryId: id, outcome: "failed", error: { type: "DatabaseError", code: "22023" } }],
    });
    expect(text).not.toContain("canary");
  });

  test("while the queue is away, opens all the same, for the sweeper to enqueue", async (context) => {
    const { take, post, get, lines } = await desk(context, { REDIS_URL: "redis://127.0.0.1:1" });
    const [one = "", other = ""] = await take(unparsable, invalid);
    const redriven = await post(`/dead-letters/${one}/redrive`);
    expect(redriven.json).toEqual({ dryRun: false, redriven: 1, notEnqueued: 1 });
    const discarded = await post(`/dead-letters/${other}/discard`, { reason: "junk" });
    expect(discarded.json).toEqual({ dryRun: false, discarded: 1, jobsLeft: 1 });
    expect((await get(`/dead-letters/${one}`)).json.outcome).toBe("open");
    expect(lines().filter(({ level }) => level === "warn")).toMatchObject([
      { code: "redriven-not-enqueued", deliveries: 1 },
      { code: "discarded-jobs-left", deliveries: 1 },
    ]);
    expect((await get("/stats")).json.queue).toEqual({ backend: "redis", jobs: null });
  });
});

describe("discard", () => {
  test("needs a reason, and keeps for ever who decided and why", async (context) => {
    const { take, post, get } = await desk(context);
    const [id = ""] = await take(invalid);
    for (const [body, message] of [
      [{}, "is required"],
      [{ reason: "" }, "must not be empty"],
      [{ reason: 1 }, "must be text"],
      [{ reason: "a\0b" }, "must not contain NUL"],
    ] as const) {
      const { status, json } = await post(`/dead-letters/${id}/discard`, body);
      expect([status, json.errors]).toEqual([400, [{ in: "body", name: "reason", message }]]);
    }
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      outcome: "dead-lettered",
      decisions: [],
    });

    expect(
      (await post(`/dead-letters/${id}/discard`, { reason: "a test of iComply's", operator: "Ada" })).json,
    ).toEqual({ dryRun: false, discarded: 1, jobsLeft: 0 });
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      outcome: "discarded",
      decisions: [{ action: "discard", operator: "Ada", reason: "a test of iComply's" }],
    });
    expect((await post(`/dead-letters/${id}/discard`, { reason: "again" })).status).toBe(404);
  });
});

describe("discard by filter", () => {
  test("discards all dead letters that it selects, however many, with their jobs", async (context) => {
    const { take, settle, post, get } = await desk(context);
    const bodies = Array.from({ length: 520 }, (_, n) => Buffer.from(`not JSON ${n}`));
    const [id = ""] = await take(...bodies, invalid);
    // Leaves a dead letter that has a job.
    await post(`/dead-letters/${id}/redrive`);
    await settle([id]);
    expect((await get("/stats")).json.queue.jobs).toMatchObject({ waiting: 1 });
    const discard = { filter: { reason: "unparsable" }, reason: "junk", operator: "Ada" };
    const { json } = await post("/dead-letters/discard", discard);
    expect(json).toEqual({ dryRun: false, discarded: 520, jobsLeft: 0 });
    expect((await get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });
    const { deliveries, queue } = (await get("/stats")).json;
    expect(deliveries).toMatchObject({ discarded: 520 });
    expect(queue.jobs).toMatchObject({ waiting: 0 });
    expect((await get(`/dead-letters/${id}`)).json).toMatchObject({
      outcome: "discarded",
      decisions: [{ action: "redrive" }, { action: "discard", operator: "Ada", reason: "junk" }],
    });
  });
  test("needs a reason, named among all that is wrong", async (context) => {
    const { take, post, get } = await desk(context);
    await take(invalid);
    const { status, json } = await post("/dead-letters/discard", { operator: "", filter: { reasons: "x" } });
    expect([status, json.errors]).toEqual([
      400,
      [
        { in: "body", name: "operator", message: "must not be empty" },
        { in: "body", name: "filter.reasons", message: "is not known here" },
        { in: "body", name: "reason", message: "is required" },
      ],
    ]);
    expect((await get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });
  });
  test("in a dry run, counts what would be discarded, needs no reason, and changes nothing", async (context) => {
    const { take, post, pool } = await desk(context);
    const [first] = await take(unparsable, Buffer.from("not JSON"), invalid);
    const before = await everything(pool);
    const ask = async (path: string, filter?: object) =>
      (await post(`/dead-letters/${path}discard`, { ...(filter && { filter }), dryRun: true })).json;
    expect(await ask("", { reason: "unparsable" })).toEqual({ dryRun: true, discarded: 2 });
    expect(await ask("")).toEqual({ dryRun: true, discarded: 3 });
    expect(await ask("", { reason: "stalled" })).toEqual({ dryRun: true, discarded: 0 });
    expect(await ask(`${first}/`)).toEqual({ dryRun: true, discarded: 1 });
    expect(await ask(`${NOBODY}/`)).toMatchObject({ status: 404, code: "not-found" });
    expect(await everything(pool)).toEqual(before);
  });
});

describe("a body that cannot be meant", () => {
  const shared = sharedDesk(({ take }) => take(invalid));
  const untouched = async () =>
    expect((await shared().get("/dead-letters")).json.counts).toEqual({ "invalid-event": 1 });

  test.each(["{", "[]", "null", "1", '"x"', "redrive", "{}}", "\u0000"])(
    "such as %j is refused whole",
    async (body) => {
      for (const action of ["redrive", "discard"]) {
        const { status, json } = await shared().post(`/dead-letters/${action}`, body);
        expect([status, json.errors]).toEqual([
          400,
          [{ in: "body", name: "", message: "must be a JSON object" }],
        ]);
      }
      await untouched();
    },
  );

  test("such as a filter that is misspelt redrives nothing, for it would mean everything", async () => {
    const { status, json } = await shared().post("/dead-letters/redrive", {
      filter: { reasons: "stalled", reason: "none" },
      dryrun: true,
      dryRun: "yes",
      operator: "",
    });
    expect([status, json.errors.map(({ name }: { name: string }) => name).toSorted()]).toEqual([
      400,
      ["dryRun", "dryrun", "filter.reason", "filter.reasons", "operator"],
    ]);
    await untouched();
  });

  test("is told together with what is wrong in the path", async () => {
    const { json } = await shared().post("/dead-letters/none/discard", {});
    expect(json.errors).toEqual([
      { in: "path", name: "deliveryId", message: "must be a UUID" },
      { in: "body", name: "reason", message: "is required" },
    ]);
  });

  test("such as one beyond any size is refused with 413", async () => {
    const { status, json } = await shared().post("/dead-letters/redrive", { reason: "x".repeat(70_000) });
    expect([status, json.code]).toEqual([413, "too-large"]);
    await untouched();
  });
});
