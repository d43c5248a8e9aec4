import { parseTicks } from "@dossier/events";
import { encode, payload } from "@dossier/simulator";
import { v7 } from "uuid";
import { describe, expect, test } from "vitest";
import { filterValues, fromDeadLetters } from "../../src/dead-letters/find.ts";
import {
  countDeadLetters,
  deadLetter,
  discard,
  exportEvidence,
  findDeadLetter,
  findIdentity,
  listDeadLetters,
  pageDeadLetters,
  recordFailedAttempt,
  redrive,
  settle,
  type DeadLetterFilter,
} from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { eventBody, invalidBody, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const by = { decidedBy: "ada", reason: "looked at it" };

describe("dead letters", () => {
  test("a page reads no more of them than it shows, however many there are", async () => {
    const { pool } = database;
    await database.recordAndSettle(...Array.from({ length: 2_000 }, () => UNPARSABLE_BODY));
    await pool.query("analyze settlements, dead_letters");
    const query = `select message ${fromDeadLetters} order by dead_letter_id desc limit 50`;
    const plan = await pool.query(`explain (analyze, costs off) ${query}`, filterValues({}));
    const scans = JSON.stringify(plan.rows).matchAll(/ on (?:dead_letters|settlements) [^"]*rows=(\d+)/g);
    const read = [...scans].map(([, rows]) => Number(rows));
    expect([read.length, Math.max(...read)]).toEqual([2, 50]);
  });

  test("are found by reason, type, person, age and text, and counted exactly", async () => {
    const { pool } = database;
    await database.recordAndSettle(eventBody("a", { id: "1" }));
    const [early] = await database.recordAndSettle(UNPARSABLE_BODY);
    const [later] = (await listDeadLetters(pool, {}, { limit: 1 })).items;
    const [now] = await database.rows<{ iso: string }>(
      "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as iso",
    );
    const between = parseTicks(now!.iso)!;
    const [invalid, conflicting] = await database.recordAndSettle(
      invalidBody("a needle, 100% \\ of _it_"),
      eventBody("a", { id: "1", data: { entity: "Eve" } }),
    );
    expect(later?.deliveryId).toBe(early);

    const found = async (filter: DeadLetterFilter) => {
      const { items } = await listDeadLetters(pool, filter, { limit: 10 });
      const counts = await countDeadLetters(pool, filter);
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(items.length);
      return new Set(items.map(({ deliveryId }) => deliveryId));
    };
    expect(await found({})).toEqual(new Set([early, invalid, conflicting]));
    expect(await found({ reason: "unparsable" })).toEqual(new Set([early]));
    expect(await found({ reason: "conflicting-duplicate" })).toEqual(new Set([conflicting]));
    expect(await found({ reason: "stalled" })).toEqual(new Set([]));
    expect(await found({ entityId: "a" })).toEqual(new Set([conflicting]));
    expect(await found({ entityId: "a", reason: "unparsable" })).toEqual(new Set([]));
    expect(await found({ event: "NaturalPersonPending", entityId: "a" })).toEqual(new Set([conflicting]));
    expect(await found({ event: "NaturalPersonAscended" })).toEqual(new Set([]));
    expect(await found({ before: between })).toEqual(new Set([early]));
    expect(await found({ since: between })).toEqual(new Set([invalid, conflicting]));
    expect(await found({ text: "100% of" })).toEqual(new Set([]));
    expect(await found({ text: "100% \\\\ of _it_" })).toEqual(new Set([invalid]));
    expect(await found({ text: "the first stands" })).toEqual(new Set([conflicting]));
    expect(await countDeadLetters(pool, {})).toEqual({
      "conflicting-duplicate": 1,
      "invalid-event": 1,
      unparsable: 1,
    });
  });

  test("are found by the type and person of their identity, and are in the person's evidence", async () => {
    const { pool } = database;
    const [exhausted, stalled] = await database.record(
      eventBody("a", { id: "1" }),
      eventBody("a", { id: "2" }),
    );
    const identity = await findIdentity(pool, exhausted!);
    const fields = { message: "m", issues: [] };
    await deadLetter(pool, exhausted!, { ...fields, reason: "fold-failed", identity }, "1.0.0");
    await deadLetter(pool, stalled!, { ...fields, reason: "stalled" }, "1.0.0");
    const withoutTime = {
      ...payload({ event: "NaturalPersonPending", entityId: "a" }),
      creationTimeUtc: "soon",
    };
    const [invalid] = await database.recordAndSettle(encode(withoutTime), eventBody("b"));

    for (const filter of [{ entityId: "a" }, { event: "NaturalPersonPending" }]) {
      const { items } = await listDeadLetters(pool, filter, { limit: 10 });
      expect(items.map(({ deliveryId }) => deliveryId)).toEqual([invalid, exhausted]);
    }
    const [, unparsed, oldest] = (await listDeadLetters(pool, {}, { limit: 10 })).items;
    expect(unparsed).toMatchObject({ deliveryId: stalled, event: null, id: null, entityId: null });
    expect(oldest).toMatchObject({ event: "NaturalPersonPending", id: "1", entityId: "a" });
    let evidence = "";
    for await (const line of exportEvidence(pool, "a", "1.0.0")) evidence += line;
    for (const deliveryId of [exhausted, invalid]) expect(evidence).toContain(deliveryId);
  });

  test("are paged completely, the latest first, each once, also while they are redriven", async () => {
    const { pool } = database;
    const expected = (
      await database.recordAndSettle(...Array<Buffer>(2_345).fill(UNPARSABLE_BODY))
    ).toSorted();

    const seen: string[] = [];
    for await (const page of pageDeadLetters(pool, { reason: "unparsable" }, 100)) {
      const ids = page.map(({ deliveryId }) => deliveryId);
      seen.push(...ids);
      await settle(pool, await redrive(pool, ids, by), "1.0.1");
    }
    expect(seen.toSorted()).toEqual(expected);
    expect(await countDeadLetters(pool, {})).toEqual({ unparsable: 2_345 });
    const { items, next } = await listDeadLetters(pool, {}, { limit: 5_000 });
    expect([items.length, next]).toEqual([2_345, undefined]);
    const times = items.map(({ deadLetteredAt }) => deadLetteredAt);
    expect(times).toEqual(times.toSorted().toReversed());
    expect(items.every(({ codeVersion }) => codeVersion === "1.0.1")).toBe(true);
  });

  test("are found with their whole history: bytes, dead letters, failed attempts, decisions, status", async () => {
    const { pool } = database;
    const body = eventBody("a");
    const [deliveryId] = await database.record(body);
    const failure = { deliveryId: deliveryId!, error: "Oops", stack: "    at here", codeVersion: "1.0.0" };
    await recordFailedAttempt(pool, failure, [1]);
    const foldFailed = { reason: "fold-failed", message: "failed", issues: [] } as const;
    await deadLetter(pool, deliveryId!, foldFailed, "1.0.0");
    await redrive(pool, [deliveryId!], { decidedBy: "ada", reason: "fixed in 1.0.1" });
    expect(await findDeadLetter(pool, deliveryId!)).toMatchObject({ status: "open" });
    expect(await countDeadLetters(pool, {})).toEqual({});
    await deadLetter(pool, deliveryId!, { ...foldFailed, reason: "stalled", message: "again" }, "1.0.1");
    await discard(pool, [deliveryId!], { decidedBy: "bob", reason: "given up" });

    expect(await findDeadLetter(pool, deliveryId!)).toEqual({
      deliveryId,
      status: "discarded",
      // It may be what stopped the workers, so it is not parsed.
      event: null,
      id: null,
      entityId: null,
      receivedAt: expect.stringMatching(/Z$/),
      settledAt: expect.stringMatching(/Z$/),
      open: null,
      entry: null,
      body,
      headers: { "content-type": "application/json", "user-agent": "iComply" },
      verifiedBy: "signature",
      secretFingerprint: "sha256:0",
      deadLetters: [
        expect.objectContaining({
          reason: "fold-failed",
          message: "failed",
          codeVersion: "1.0.0",
          issues: [],
        }),
        expect.objectContaining({ reason: "stalled", message: "again", codeVersion: "1.0.1" }),
      ],
      failedAttempts: [
        expect.objectContaining({ attempt: 1, error: "Oops", stack: "    at here", codeVersion: "1.0.0" }),
      ],
      decisions: [
        expect.objectContaining({ action: "redrive", decidedBy: "ada", reason: "fixed in 1.0.1" }),
        expect.objectContaining({ action: "discard", decidedBy: "bob", reason: "given up" }),
      ],
    });
  });

  test("are not found for a delivery that was never dead-lettered or is unknown", async () => {
    const { pool } = database;
    const [applied] = await database.recordAndSettle(eventBody("a"));
    expect(await findDeadLetter(pool, applied!)).toBeUndefined();
    expect(await findDeadLetter(pool, v7())).toBeUndefined();
  });
});
