import type { DeadLetter } from "@dossier/events";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  deadLetter,
  openPool,
  recordFailedAttempt,
  settle,
  SWEEP_AFTER_SECONDS,
  takeDueDeliveries,
} from "../../src/index.ts";
import { freshPool, outcomes, receive, rows } from "../receive.ts";

let database: Awaited<ReturnType<typeof freshPool>>;
beforeAll(async () => (database = await freshPool()));
afterAll(() => database.end());
beforeEach(() => database.pool.query("delete from open_deliveries"));

const longestDelaysMs = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map((seconds) => seconds * 1_000);
const failure = (deliveryId: string) => ({
  deliveryId,
  error: "went wrong",
  stack: "at here",
  codeVersion: "1.2.3",
});
const stalled: DeadLetter = { reason: "stalled", message: "gave up", issues: [] };

/** Postgres' time, to the microsecond. */
async function clock(): Promise<string> {
  const [{ now } = { now: "" }] = (await rows(database.pool, "select clock_timestamp()::text as now")) as {
    now: string;
  }[];
  return now;
}

async function makeDue(ids: readonly string[]): Promise<void> {
  await database.pool.query(
    "update open_deliveries set due_at = now() - interval '1 second' where delivery_id = any ($1)",
    [ids],
  );
}

test("each failed attempt is counted and kept, with what went wrong", async () => {
  const { pool } = database;
  const [id = ""] = await receive(pool, ["{}"]);
  expect(await recordFailedAttempt(pool, failure(id), longestDelaysMs)).toBe(1);
  expect(await recordFailedAttempt(pool, { ...failure(id), stack: undefined }, longestDelaysMs)).toBe(2);
  expect(
    await rows(
      pool,
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
  const [id = ""] = await receive(pool, ["{}"]);
  const counts = await Promise.all(
    Array.from({ length: 8 }, () => recordFailedAttempt(pool, failure(id), longestDelaysMs)),
  );
  expect(new Set(counts)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
});

test("the sweeper leaves a failing delivery alone for as long as its own job may wait", async () => {
  const { pool } = database;
  const [id = ""] = await receive(pool, ["{}"]);
  const due: unknown[] = [];
  for (let attempt = 1; attempt <= 10; attempt++) {
    await recordFailedAttempt(pool, failure(id), longestDelaysMs);
    due.push(
      ...(await rows(
        pool,
        `select extract(epoch from due_at - failed_at)::float8 as seconds from open_deliveries
         join failed_attempts using (delivery_id) where delivery_id = $1 and attempt = $2`,
        [id, attempt],
      )),
    );
  }
  const longest = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300];
  expect(due).toEqual(longest.map((wait) => ({ seconds: SWEEP_AFTER_SECONDS + wait })));
});

test("a failure of a delivery that is settled, or was never recorded, counts nothing", async () => {
  const { pool } = database;
  const ids = await receive(pool, ["not JSON"]);
  await settle(pool, ids, "test");
  const unknown = "01890000-0000-7000-8000-000000000000";
  for (const id of [...ids, unknown])
    expect(await recordFailedAttempt(pool, failure(id), longestDelaysMs)).toBeUndefined();
  expect(
    await rows(pool, "select from failed_attempts where delivery_id = any ($1)", [[...ids, unknown]]),
  ).toEqual([]);
});

test("a buried delivery is dead, once, and is not settled again", async () => {
  const { pool } = database;
  const [id = ""] = await receive(pool, ["not JSON"]);
  const buried = await Promise.all(Array.from({ length: 4 }, () => deadLetter(pool, id, stalled, "1.2.3")));
  expect(buried.filter(Boolean)).toHaveLength(1);
  expect(await outcomes(pool, [id])).toEqual(["dead-lettered"]);
  expect(
    await rows(pool, "select reason, message, code_version from dead_letters where delivery_id = $1", [id]),
  ).toEqual([{ reason: "stalled", message: "gave up", code_version: "1.2.3" }]);
  expect(await settle(pool, [id], "test")).toEqual(new Map([[id, { kind: "not-open" }]]));
});

test("what is settled is not buried", async () => {
  const { pool } = database;
  const ids = await receive(pool, ["not JSON"]);
  await settle(pool, ids, "test");
  expect(await deadLetter(pool, ids[0] ?? "", stalled, "test")).toBe(false);
  expect(await rows(pool, "select reason from dead_letters where delivery_id = any ($1)", [ids])).toEqual([
    { reason: "unparsable" },
  ]);
});

test("only deliveries that are due are taken, the longest due first, each once until it is due again", async () => {
  const { pool } = database;
  const ids = await receive(pool, ["1", "2", "3", "4"]);
  expect(await takeDueDeliveries(pool, 10)).toEqual([]);
  const [first = "", second = "", third = ""] = ids;
  for (const id of [third, second, first]) await makeDue([id]);
  // Due for longer and longer: third, second, first.
  await pool.query(
    "update open_deliveries set due_at = now() - make_interval(mins => array_position($1::uuid[], delivery_id)) where delivery_id = any ($1)",
    [[first, second, third]],
  );
  const before = await clock();
  expect((await takeDueDeliveries(pool, 2)).toSorted()).toEqual([second, third].toSorted());
  expect(await takeDueDeliveries(pool, 2)).toEqual([first]);
  expect(await takeDueDeliveries(pool, 2)).toEqual([]);
  expect(
    await rows(
      pool,
      `select from open_deliveries where delivery_id = any ($1)
       and due_at - make_interval(secs => $2) between $3::timestamptz and clock_timestamp()`,
      [[first, second, third], SWEEP_AFTER_SECONDS, before],
    ),
  ).toHaveLength(3);
});

test("several sweepers never take the same delivery, and together take all", async () => {
  const { pool } = database;
  const ids = await receive(
    pool,
    Array.from({ length: 400 }, (_, number) => String(number)),
  );
  await makeDue(ids);
  const taken: string[] = [];
  async function sweep(): Promise<void> {
    for (
      let some = await takeDueDeliveries(pool, 7);
      some.length > 0;
      some = await takeDueDeliveries(pool, 7)
    )
      taken.push(...some);
  }
  await Promise.all(Array.from({ length: 8 }, sweep));
  expect(taken.toSorted()).toEqual(ids.toSorted());
});

test("no more are taken than asked for, whatever the plan", async () => {
  const { pool } = database;
  const ids = await receive(pool, Array(40).fill("{}"));
  await makeDue(ids);
  const planner = openPool(database.url, { name: "planner", size: 1, timeoutMs: 60_000 });
  for (const way of ["hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"])
    await planner.query(`set enable_${way} = off`);
  expect(await takeDueDeliveries(planner, 5)).toHaveLength(5);
  await planner.end();
});

test("a delivery that is being settled is not taken", async () => {
  const { pool } = database;
  const ids = await receive(pool, ["1", "2"]);
  await makeDue(ids);
  const other = await pool.connect();
  await other.query("begin");
  await other.query("select from open_deliveries where delivery_id = $1 for update", [ids[0]]);
  expect(await takeDueDeliveries(pool, 10)).toEqual([ids[1]]);
  await other.query("rollback");
  other.release();
});
