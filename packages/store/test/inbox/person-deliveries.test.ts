import { parseTicks, stalled } from "@dossier/events";
import { expect, test } from "vitest";
import { MAX_BYTES } from "../../src/database/groups.ts";
import { sqlFile } from "../../src/database/statements.ts";
import { transaction } from "../../src/database/transaction.ts";
import {
  countPersonDeliveries,
  deadLetter,
  discard,
  listPersonDeliveries,
  listUnsettledDeliveries,
  recordFailedAttempt,
  redrive,
  snooze,
} from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { eventBody, invalidBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const BECAUSE = { decidedBy: "ada", reason: "test" };

async function list(entityId: string, status?: Parameters<typeof listPersonDeliveries>[2]) {
  return listPersonDeliveries(database.pool, entityId, status, { limit: 100 });
}

async function idsOf(entityId: string): Promise<readonly string[]> {
  return (await list(entityId)).deliveries.map(({ deliveryId }) => deliveryId);
}

test("a person's deliveries are listed whatever became of them, the latest first", async () => {
  const { pool } = database;
  const [applied = "", duplicate = ""] = await database.recordAndSettle(eventBody("a"), eventBody("a"));
  const dead = await database.recordAndExhaust(eventBody("a", { id: "2" }), "TypeError: broken");
  const discarded = await database.recordAndExhaust(eventBody("a", { id: "3" }));
  await discard(pool, [discarded], BECAUSE);
  const [open = ""] = await database.record(eventBody("a", { id: "4" }), eventBody("b"));

  const { deliveries, next, openDeliveriesSearched } = await list("a");
  expect(deliveries.map(({ deliveryId, status, id }) => [deliveryId, status, id])).toEqual([
    [open, "open", "4"],
    [discarded, "discarded", "3"],
    [dead, "dead-lettered", "2"],
    [duplicate, "duplicate", "1"],
    [applied, "applied", "1"],
  ]);
  expect(deliveries[2]).toMatchObject({
    event: "NaturalPersonPending",
    open: null,
    lastDeadLetter: { reason: "fold-failed", message: "attempts failed: 1, the last one with TypeError" },
  });
  expect(deliveries.map(({ creationTimeUtc }) => creationTimeUtc !== null)).toEqual([
    true,
    false,
    false,
    true,
    true,
  ]);
  expect(deliveries[0]).toMatchObject({ settledAt: null, open: { attempts: 0 }, lastDeadLetter: null });
  expect([next, openDeliveriesSearched]).toEqual([undefined, { searched: 2, all: true }]);
  expect((await list("a", "discarded")).deliveries).toEqual([deliveries[1]]);
  expect(await countPersonDeliveries(pool, "a")).toEqual({
    open: 1,
    deadLettered: 1,
    discarded: 1,
    openDeliveriesSearched: { searched: 2, all: true },
  });
});

test("deliveries that are not settled are listed up to a time of receipt", async () => {
  await database.record(eventBody("late", { id: "1" }), eventBody("late", { id: "2" }));
  const { receivedAt } = (await list("late")).deliveries[0] ?? {};
  const received = parseTicks(receivedAt ?? "") ?? 0n;
  const countBy = async (time: bigint) => {
    const page = await listUnsettledDeliveries(database.pool, "late", { limit: 1, receivedBy: time });
    return [page.deliveries.length, page.isMore];
  };
  expect([await countBy(received), await countBy(received - 1n)]).toEqual([
    [1, true],
    [0, false],
  ]);
});

test("an open delivery shows its attempts, its last error, and until when it is snoozed", async () => {
  const { pool } = database;
  const [failed = "", snoozed = ""] = await database.record(eventBody("a"), eventBody("a", { id: "2" }));
  const failure = { deliveryId: failed, error: "TypeError: x", stack: undefined, codeVersion: "test" };
  await recordFailedAttempt(pool, failure, [1]);
  await snooze(pool, snoozed, "DatabaseError 57014: too slow");
  expect((await list("a", "open")).deliveries).toMatchObject([
    { deliveryId: snoozed, open: { attempts: 0, snoozedUntil: expect.stringMatching(/Z$/) } },
    { deliveryId: failed, open: { attempts: 1, snoozedUntil: null, lastError: "TypeError: x" } },
  ]);
  await recordFailedAttempt(pool, { ...failure, deliveryId: snoozed, error: "TypeError: y" }, [1]);
  expect((await list("a", "open")).deliveries[0]?.open).toMatchObject({
    attempts: 1,
    snoozedUntil: null,
    lastError: "TypeError: y",
  });
});

test("open deliveries are found in any spelling of the id that JSON allows", async () => {
  const escaped = eventBody("émile")
    .toString()
    .replace("émile", String.raw`\u00e9mile`);
  const number = eventBody("NUMBER").toString().replace('"NUMBER"', "1e2");
  const ids = await database.record(escaped, number, eventBody("émile2"));
  expect(await idsOf("émile")).toEqual([ids[0]]);
  expect(await idsOf("100")).toEqual([ids[1]]);
});

test("an open delivery whose person a dead letter named is found without its bytes", async () => {
  const { pool } = database;
  const [invalid = ""] = await database.recordAndSettle(
    invalidBody()
      .toString()
      .replace(/"entityId":"[^"]*"/, '"entityId":"a"'),
  );
  await redrive(pool, [invalid], BECAUSE);
  await pool.query("update open_deliveries set stalls = 1");
  expect(await idsOf("a")).toEqual([invalid]);
});

test("an open delivery is found in whatever way JSON writes the person's id", async () => {
  const bodyOf = (written: string) => eventBody("ID").toString().replace('"ID"', `"${written}"`);
  const ids = await database.record(
    bodyOf(String.raw`p\u0065rson`),
    bodyOf(String.raw`a\/b`),
    bodyOf(String.raw`say \"hi\"`),
  );
  for (const [n, entityId] of ["person", "a/b", 'say "hi"'].entries())
    expect(await idsOf(entityId)).toEqual([ids[n]]);
});

test("an open delivery that may have stopped a worker is found without being parsed", async () => {
  const { pool } = database;
  const escaped = eventBody("émile")
    .toString()
    .replace('"entityId":"émile"', String.raw`"EntityId" : "\u00e9mile"`);
  const number = eventBody("NUMBER").toString().replace('"NUMBER"', "1e2");
  const ids = await database.record(
    escaped,
    number,
    `${eventBody("a").toString()} is not JSON`,
    eventBody("b"),
  );
  const [redriven = ""] = await database.record(eventBody("a", { id: "2" }));
  await deadLetter(pool, redriven, stalled(), "test");
  await redrive(pool, [redriven], BECAUSE);
  await pool.query("update open_deliveries set stalls = 1 where delivery_id = any ($1)", [ids]);
  const { deliveries } = await list("a");
  expect(deliveries).toMatchObject([
    { deliveryId: redriven, status: "open", event: null, id: null, open: { stalls: 0 } },
    { deliveryId: ids[2], status: "open", event: null, id: null, open: { stalls: 1 } },
  ]);
  expect(await idsOf("émile")).toEqual([ids[0]]);
  expect(await idsOf("100")).toEqual([ids[1]]);
  expect((await countPersonDeliveries(pool, "b")).open).toBe(1);
});

test("only the newest 1,000 open deliveries are searched, and those of about 8 MiB", async () => {
  const { pool } = database;
  const [oldest = ""] = await database.record(eventBody("a"));
  await database.record(...Array.from({ length: 1_000 }, (_, n) => eventBody("b", { id: String(n) })));
  expect(await list("a")).toMatchObject({
    deliveries: [],
    openDeliveriesSearched: { searched: 1_000, all: false },
  });
  await pool.query("delete from open_deliveries where delivery_id = $1", [oldest]);
  expect((await list("b")).openDeliveriesSearched).toEqual({ searched: 1_000, all: true });
  await pool.query("update open_deliveries set bytes = 1024 * 1024");
  expect((await list("b")).openDeliveriesSearched).toEqual({ searched: 8, all: false });
});

test("a search reads as many open deliveries, however many there are", async () => {
  await database.record(...Array.from({ length: 1_200 }, (_, n) => eventBody("b", { id: String(n) })));
  const { text } = sqlFile("select_newest_open");
  const plan = await transaction(database.pool, async (connection) => {
    // As planned for many rows.
    await connection.query("set local enable_seqscan = off");
    const values = [1_000, MAX_BYTES, Buffer.from("b"), Buffer.from(String.raw`\u`)];
    return connection.query({ text: `explain (analyze, costs off) ${text}`, values });
  });
  const scans = JSON.stringify(plan.rows).matchAll(/ on open_deliveries [^"]*rows=(\d+)/g);
  expect([...scans].map(([, rows]) => Number(rows))).toEqual([1_001]);
});

test("pages return each delivery once", async () => {
  const ids = await database.recordAndSettle(
    ...Array.from({ length: 5 }, (_, n) => eventBody("a", { id: String(n) })),
  );
  const seen: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await listPersonDeliveries(database.pool, "a", undefined, { limit: 2, after });
    seen.push(...page.deliveries.map(({ deliveryId }) => deliveryId));
    if (page.next === undefined) break;
    after = page.next;
  }
  expect(seen).toEqual(ids.toReversed());
});
