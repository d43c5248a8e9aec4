import { v7 } from "uuid";
import { beforeEach, expect, test } from "vitest";
import {
  countStall,
  hasUnheldDeliveries,
  openPool,
  recordDeliveries,
  recordFailedAttempt,
  snooze,
  SWEEP_AFTER_SECONDS,
  takeDueDeliveries,
} from "../../src/index.ts";
import { openTransaction, useRecord } from "../database.ts";
import { delivery, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord();
beforeEach(() => database.pool.query("delete from open_deliveries"));

const LONGEST_DELAYS_S = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300];
const longestDelaysMs = LONGEST_DELAYS_S.map((seconds) => seconds * 1_000);
const failure = (deliveryId: string) => ({
  deliveryId,
  error: "went wrong",
  stack: "at here",
  codeVersion: "1.2.3",
});

/** Returns Postgres' time, to the microsecond. */
async function readClock(): Promise<string | undefined> {
  return (await database.rows<{ now: string }>("select clock_timestamp()::text as now"))[0]?.now;
}

async function makeDue(ids: readonly string[]): Promise<void> {
  await database.pool.query(
    "update open_deliveries set due_at = now() - interval '1 second' where delivery_id = any ($1)",
    [ids],
  );
}

test("where asked for, those alone are taken that became due lately", async () => {
  const { pool } = database;
  const [long = "", lately = ""] = await database.record("{}", "{}");
  await makeDue([lately]);
  await pool.query("update open_deliveries set due_at = now() - interval '1 hour' where delivery_id = $1", [
    long,
  ]);
  expect(await takeDueDeliveries(pool, 10, 30)).toEqual([[lately]]);
  expect(await takeDueDeliveries(pool, 10)).toEqual([[long]]);
});

test("each failed attempt is counted, and kept with its error", async () => {
  const { pool } = database;
  const [id = ""] = await database.record("{}");
  expect(await recordFailedAttempt(pool, failure(id), longestDelaysMs)).toBe(1);
  expect(await recordFailedAttempt(pool, { ...failure(id), stack: undefined }, longestDelaysMs)).toBe(2);
  expect(
    await database.rows(
      "select attempt, error, stack, code_version from failed_attempts where delivery_id = $1 order by failed_attempt_id",
      [id],
    ),
  ).toEqual([
    { attempt: 1, error: "went wrong", stack: "at here", code_version: "1.2.3" },
    { attempt: 2, error: "went wrong", stack: null, code_version: "1.2.3" },
  ]);
});

test("attempts that fail at the same time are all counted", async () => {
  const { pool } = database;
  const [id = ""] = await database.record("{}");
  const counts = await Promise.all(
    Array.from({ length: 8 }, () => recordFailedAttempt(pool, failure(id), longestDelaysMs)),
  );
  expect(new Set(counts)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
});

test("the sweeper leaves a failing delivery to its own job for the job's longest delay", async () => {
  const { pool } = database;
  const [id = ""] = await database.record("{}");
  const due: unknown[] = [];
  for (let attempt = 1; attempt <= LONGEST_DELAYS_S.length; attempt++) {
    await recordFailedAttempt(pool, failure(id), longestDelaysMs);
    due.push(
      ...(await database.rows(
        `select extract(epoch from due_at - failed_at)::float8 as seconds from open_deliveries
         join failed_attempts using (delivery_id) where delivery_id = $1 and attempt = $2`,
        [id, attempt],
      )),
    );
  }
  expect(due).toEqual(LONGEST_DELAYS_S.map((delay) => ({ seconds: SWEEP_AFTER_SECONDS + delay })));
});

test("a failed attempt of a settled or an unknown delivery is not counted", async () => {
  const { pool } = database;
  const ids = [...(await database.recordAndSettle(UNPARSABLE_BODY)), "01890000-0000-7000-8000-000000000000"];
  for (const id of ids) expect(await recordFailedAttempt(pool, failure(id), longestDelaysMs)).toBeUndefined();
  expect(await database.rows("select from failed_attempts where delivery_id = any ($1)", [ids])).toEqual([]);
});

test("only due deliveries are taken, the longest due first, each once until it is due again", async () => {
  const { pool } = database;
  const ids = await database.record("1", "2", "3", "4");
  expect(await takeDueDeliveries(pool, 10)).toEqual([]);
  const [first = "", second = "", third = ""] = ids;
  for (const id of [third, second, first]) await makeDue([id]);
  // The third has been due for longest, then the second, then the first.
  await pool.query(
    `update open_deliveries set due_at = now() - make_interval(mins => array_position($1::uuid[], delivery_id))
     where delivery_id = any ($1)`,
    [[first, second, third]],
  );
  const before = await readClock();
  expect((await takeDueDeliveries(pool, 2)).flat().toSorted()).toEqual([second, third].toSorted());
  expect(await takeDueDeliveries(pool, 2)).toEqual([[first]]);
  expect(await takeDueDeliveries(pool, 2)).toEqual([]);
  expect(
    await database.rows(
      `select from open_deliveries where delivery_id = any ($1)
       and due_at - make_interval(secs => $2) between $3::timestamptz and clock_timestamp()`,
      [[first, second, third], SWEEP_AFTER_SECONDS, before],
    ),
  ).toHaveLength(3);
});

test("several sweepers never take the same delivery, and together take all", async () => {
  const { pool } = database;
  const ids = await database.record(...Array.from({ length: 400 }, (_, index) => String(index)));
  await makeDue(ids);
  const taken: string[] = [];
  async function sweep(): Promise<void> {
    let some: readonly string[];
    do {
      some = (await takeDueDeliveries(pool, 7)).flat();
      taken.push(...some);
    } while (some.length > 0);
  }
  await Promise.all(Array.from({ length: 8 }, sweep));
  expect(taken.toSorted()).toEqual(ids.toSorted());
});

test("no more deliveries are taken than the limit, whatever the plan", async () => {
  const ids = await database.record(...Array(40).fill("{}"));
  await makeDue(ids);
  const planner = openPool(database.url, { name: "planner", size: 1, timeoutMs: 60_000 });
  for (const way of ["hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"])
    await planner.query(`set enable_${way} = off`);
  expect((await takeDueDeliveries(planner, 5)).flat()).toHaveLength(5);
  await planner.end();
});

test("a delivery that is being settled is not taken", async () => {
  const { pool } = database;
  const ids = await database.record("1", "2");
  await makeDue(ids);
  const lock = "select from open_deliveries where delivery_id = $1 for update";
  const other = await openTransaction(pool, lock, [ids[0]]);
  expect(await takeDueDeliveries(pool, 10)).toEqual([[ids[1]]]);
  await other.rollback();
});

const HOUR_MS = 3_600_000;

test("a snoozed delivery is due after as long again as it has waited, from 30 s to an hour", async () => {
  const { pool } = database;
  const waited = [-HOUR_MS, 0, HOUR_MS / 2, 24 * HOUR_MS];
  const now = Date.now();
  const ids = waited.map((ms) => v7({ msecs: now - ms }));
  await recordDeliveries(
    pool,
    ids.map((deliveryId) => delivery("{}", { deliveryId })),
  );

  for (const id of ids) await snooze(pool, id, "test");

  const due = await database.rows<{ inMs: number }>(
    `select extract(epoch from due_at)::float8 * 1000 - $2 as "inMs" from open_deliveries
     where delivery_id = any ($1) order by array_position($1::uuid[], delivery_id)`,
    [ids, now],
  );
  const waits = [SWEEP_AFTER_SECONDS * 1000, SWEEP_AFTER_SECONDS * 1000, HOUR_MS / 2, HOUR_MS];
  // The time that the test itself took counts as waited, too.
  const tookMs = Date.now() - now;
  for (const [i, { inMs }] of due.entries()) {
    expect(inMs).toBeGreaterThanOrEqual((waits[i] ?? 0) - 1);
    expect(inMs).toBeLessThanOrEqual((waits[i] ?? 0) + 2 * tookMs + 1);
  }
  expect(due).toHaveLength(waits.length);
});

test("the deliveries of one group have together at most 8 MiB, whatever their number", async () => {
  const small = await database.record(...Array(700).fill("{}"));
  const large = await database.record(...Array(5).fill("x".repeat(3 * 1024 * 1024)));
  await makeDue(small);
  expect((await takeDueDeliveries(database.pool, 1_000)).map((group) => group.length)).toEqual([500, 200]);
  await makeDue(large);
  expect((await takeDueDeliveries(database.pool, 1_000)).map((group) => group.length)).toEqual([2, 2, 1]);
});

test("a delivery is unheld once it was swept twice, until an attempt; a locked one is not", async () => {
  const { pool } = database;
  const [id = ""] = await database.record("{}");
  const sweep = async () => {
    await makeDue([id]);
    await takeDueDeliveries(pool, 10);
    return hasUnheldDeliveries(pool);
  };
  expect([await hasUnheldDeliveries(pool), await sweep(), await sweep()]).toEqual([false, false, true]);
  const lock = "select from open_deliveries where delivery_id = $1 for update";
  const holder = await openTransaction(pool, lock, [id]);
  expect(await hasUnheldDeliveries(pool)).toBe(false);
  await holder.commit();
  await recordFailedAttempt(pool, failure(id), longestDelaysMs);
  expect(await hasUnheldDeliveries(pool)).toBe(false);
});

test("stalls are counted until an attempt ends; not of what is locked, settled or no delivery", async () => {
  const { pool } = database;
  const [id = ""] = await database.record("{}");
  expect([await countStall(pool, id), await countStall(pool, id)]).toEqual([1, 2]);
  await recordFailedAttempt(pool, failure(id), longestDelaysMs);
  expect(await countStall(pool, id)).toBe(1);
  await snooze(pool, id, "test");
  expect(await countStall(pool, id)).toBe(1);
  expect(await countStall(pool, v7())).toBeUndefined();
  expect(await countStall(pool, "forged")).toBeUndefined();
});
