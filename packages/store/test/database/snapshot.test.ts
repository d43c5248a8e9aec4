import { expect, test } from "vitest";
import { openSnapshot } from "../../src/database/long-read.ts";
import { freshPool, rows } from "../receive.ts";

const LIMITS = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];

test("a snapshot lasts: no time limit of the pool's holds in it, and all of them after it", async () => {
  const { pool, end } = await freshPool({ size: 1 });
  const limits = "select name, setting from pg_settings where name = any ($1) and setting <> '0'";
  expect(await rows(pool, limits, [LIMITS])).toHaveLength(LIMITS.length);
  {
    await using snapshot = await openSnapshot(pool);
    expect((await snapshot.connection.query(limits, [LIMITS])).rows).toEqual([]);
  }
  expect(await rows(pool, limits, [LIMITS])).toHaveLength(LIMITS.length);
  await end();
});
