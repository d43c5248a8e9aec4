import { parseTicks } from "@dossier/events";
import { encode, payload } from "@dossier/simulator";
import { v7 } from "uuid";
import { describe, expect, test } from "vitest";
import {
  deadLetter,
  findIdentity,
  countDeadLetters,
  discard,
  exportEvidence,
  findDeadLetter,
  listDeadLetters,
  pageDeadLetters,
  recordFailedAttempt,
  redrive,
  settle,
  type DeadLetterFilter,
} from "../../src/index.ts";
import { freshGraveyard, invalid, pending, unparsable } from "./graveyard.ts";

const by = { operator: "ada", reason: "looked at it" };

describe("dead letters", () => {
  test("are found by reason, type, person, age and text, and counted exactly", async (context) => {
    const { pool, take } = await freshGraveyard(context);
    await take(pending("a", "1"));
    const [early] = await take(unparsable);
    const [later] = await listDeadLetters(pool, {}, { limit: 1 });
    const { rows } = await pool.query<{ iso: string }>(
      "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') as iso",
    );
    const between = parseTicks(rows[0]!.iso)!;
    const [broken, conflicting] = await take(invalid("a needle, 100% \\ of _it_"), pending("a", "1", "Eve"));
    expect(later?.deliveryId).toBe(early);

    const found = async (filter: DeadLetterFilter) => {
      const items = await listDeadLetters(pool, filter, { limit: 10 });
      const counts = await countDeadLetters(pool, filter);
      expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(items.length);
      return new Set(items.map(({ deliveryId }) => deliveryId));
    };
    expect(await found({})).toEqual(new Set([early, broken, conflicting]));
    expect(await found({ reason: "unparsable" })).toEqual(new Set([early]));
    expect(await found({ reason: "conflicting-duplicate" })).toEqual(new Set([conflicting]));
    expect(await found({ reason: "stalled" })).toEqual(new Set([]));
    expect(await found({ entityId: "a" })).toEqual(new Set([conflicting]));
    expect(await found({ entityId: "a", reason: "unparsable" })).toEqual(new Set([]));
    expect(await found({ event: "NaturalPersonPending", entityId: "a" })).toEqual(new Set([conflicting]));
    expect(await found({ event: "NaturalPersonAscended" })).toEqual(new Set([]));
    expect(await found({ before: between })).toEqual(new Set([early]));
    expect(await found({ since: between })).toEqual(new Set([broken, conflicting]));
    expect(await found({ text: "100% of" })).toEqual(new Set([]));
    expect(await found({ text: "100% \\\\ of _it_" })).toEqual(new Set([broken]));
    expect(await found({ text: "the first stands" })).toEqual(new Set([conflicting]));
    expect(await countDeadLetters(pool, {})).toEqual({
      "conflicting-duplicate": 1,
      "invalid-event": 1,
      unparsable: 1,
    });
  });

  test("are found by the type and person that they were buried under, and stand in the person's evidence", async (context) => {
    const { pool, take, receive } = await freshGraveyard(context);
    const [exhausted, stalled] = await receive(pending("a", "1"), pending("a", "2"));
    const identity = await findIdentity(pool, exhausted!);
    const letter = { message: "m", issues: [] };
    await deadLetter(pool, exhausted!, { ...letter, reason: "fold-failed", identity }, "1.0.0");
    await deadLetter(pool, stalled!, { ...letter, reason: "stalled" }, "1.0.0");
    const untimely = {
      ...payload({ event: "NaturalPersonPending", entityId: "a" }),
      creationTimeUtc: "soon",
    };
    const [invalid] = await take(encode(untimely), pending("b"));

    for (const filter of [{ entityId: "a" }, { event: "NaturalPersonPending" }]) {
      const items = await listDeadLetters(pool, filter, { limit: 10 });
      expect(items.map(({ deliveryId }) => deliveryId)).toEqual([invalid, exhausted]);
    }
    const [, unread, oldest] = await listDeadLetters(pool, {}, { limit: 10 });
    expect(unread).toMatchObject({ deliveryId: stalled, event: null, id: null, entityId: null });
    expect(oldest).toMatchObject({ event: "NaturalPersonPending", id: "1", entityId: "a" });
    let evidence = "";
    for await (const line of exportEvidence(pool, "a", "1.0.0")) evidence += line;
    for (const deliveryId of [exhausted, invalid]) expect(evidence).toContain(deliveryId);
  });

  test("are paged without an end: thousands come, each once, the latest first, also while they are redriven", async (context) => {
    const { pool, take } = await freshGraveyard(context);
    const died = (await take(...Array.from({ length: 2_345 }, () => unparsable))).toSorted();

    const seen: string[] = [];
    for await (const page of pageDeadLetters(pool, { reason: "unparsable" }, 100)) {
      const ids = page.map(({ deliveryId }) => deliveryId);
      seen.push(...ids);
      await settle(pool, await redrive(pool, ids, by), "1.0.1");
    }
    expect(seen.toSorted()).toEqual(died);
    expect(await countDeadLetters(pool, {})).toEqual({ unparsable: 2_345 });
    const all = await listDeadLetters(pool, {}, { limit: 5_000 });
    const cursors = all.map(({ cursor }) => cursor);
    expect(cursors).toEqual(cursors.toSorted((a, b) => (a > b ? -1 : 1)));
    expect(all.every(({ codeVersion }) => codeVersion === "1.0.1")).toBe(true);
  });

  test("tell their whole story: bytes, deadLetters, attempts, what people did, and how it ended", async (context) => {
    const { pool, receive } = await freshGraveyard(context);
    const body = pending("a");
    const [deliveryId] = await receive(body);
    const failure = { deliveryId: deliveryId!, error: "Oops", stack: "    at here", codeVersion: "1.0.0" };
    await recordFailedAttempt(pool, failure, [1]);
    const letter = { reason: "fold-failed", message: "failed", issues: [] } as const;
    await deadLetter(pool, deliveryId!, letter, "1.0.0");
    await redrive(pool, [deliveryId!], { operator: "ada", reason: "fixed in 1.0.1" });
    expect(await findDeadLetter(pool, deliveryId!)).toMatchObject({ outcome: "open" });
    expect(await countDeadLetters(pool, {})).toEqual({});
    await deadLetter(pool, deliveryId!, { ...letter, reason: "stalled", message: "again" }, "1.0.1");
    await discard(pool, [deliveryId!], { operator: "bob", reason: "given up" });

    expect(await findDeadLetter(pool, deliveryId!)).toEqual({
      deliveryId,
      outcome: "discarded",
      receivedAt: expect.stringMatching(/Z$/),
      body,
      headers: { "user-agent": "iComply" },
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
      attempts: [
        expect.objectContaining({ attempt: 1, error: "Oops", stack: "    at here", codeVersion: "1.0.0" }),
      ],
      decisions: [
        expect.objectContaining({ action: "redrive", operator: "ada", reason: "fixed in 1.0.1" }),
        expect.objectContaining({ action: "discard", operator: "bob", reason: "given up" }),
      ],
    });
  });

  test("are none where a delivery never died, or is not known", async (context) => {
    const { pool, take } = await freshGraveyard(context);
    const [applied] = await take(pending("a"));
    expect(await findDeadLetter(pool, applied!)).toBeUndefined();
    expect(await findDeadLetter(pool, v7())).toBeUndefined();
  });
});
