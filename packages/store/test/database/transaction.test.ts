import { expect, onTestFinished, test } from "vitest";
import { openSnapshot } from "../../src/database/long-read.ts";
import { awaitAll, transaction } from "../../src/database/transaction.ts";
import { openPool } from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { createLogin } from "../fixtures.ts";

test("if pipelined statements fail, the error of the first one sent is thrown, however nested", async () => {
  const cause = Promise.withResolvers<never>();
  const echo = Promise.withResolvers<never>();
  const all = awaitAll([awaitAll([awaitAll([cause.promise])]), echo.promise]);
  // As if both answers arrived at once: the nested promise is rejected later.
  cause.reject(new Error("the cause"));
  echo.reject(new Error("current transaction is aborted"));
  await expect(all).rejects.toThrow("the cause");
});

test("an error of pipelined statements is thrown after all have ended", async () => {
  const slow = Promise.withResolvers<string>();
  let thrown = false;
  const all = awaitAll([Promise.reject(new Error("first")), slow.promise]).catch(() => (thrown = true));
  await new Promise(setImmediate);
  expect(thrown).toBe(false);
  slow.resolve("ended");
  await all;
  expect(thrown).toBe(true);
});

test("the results of pipelined statements are in the order in which they were sent", async () => {
  expect(await awaitAll([Promise.resolve(1), undefined, Promise.resolve("2")])).toEqual([1, undefined, "2"]);
});

const database = useRecord({ size: 1 });

test("a login's time limits do not apply in a snapshot, and do again after it", async () => {
  const pool = openPool(await createLogin(database.url, "worker"), { name: "test", size: 1 });
  onTestFinished(() => pool.end());
  const limits = "select name, setting from pg_settings where name = any ($1) and setting <> '0'";
  const names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
  expect((await pool.query(limits, [names])).rows).toHaveLength(names.length);
  {
    await using snapshot = await openSnapshot(pool);
    expect((await snapshot.connection.query(limits, [names])).rows).toEqual([]);
  }
  expect((await pool.query(limits, [names])).rows).toHaveLength(names.length);
});

test("a login's limit on the server is shorter than its client's, so that its locks end first", async () => {
  const pool = openPool(await createLogin(database.url, "worker"), { name: "test", size: 1 });
  onTestFinished(() => pool.end());
  const limit = "select extract(epoch from current_setting('statement_timeout')::interval)::int as seconds";
  const { rows } = await pool.query<{ seconds: number }>(limit);
  expect(pool.options.query_timeout).toBeGreaterThan((rows[0]?.seconds ?? 0) * 1_000);
});

test("after an outage of a server that answers, a retry finds no lock of the transaction before", async () => {
  const pool = openPool(database.url, { name: "test", size: 1 });
  onTestFinished(() => pool.end());
  // Many: Postgres sends the error first, and then releases them.
  const locks = "generate_series(1, 4000) as n";
  for (let round = 0; round < 5; round += 1) {
    const cancelled = transaction(pool, async (connection) => {
      await connection.query(`select pg_advisory_xact_lock(n) from ${locks}`);
      await connection.query("do $$ begin raise query_canceled; end $$");
    });
    await expect(cancelled).rejects.toMatchObject({ code: "57014" });
    const retry = `select count(*)::int as held from ${locks} where not pg_try_advisory_xact_lock(n)`;
    expect((await database.pool.query(retry)).rows).toEqual([{ held: 0 }]);
  }
});
