import { openPool } from "@dossier/store";
import { startPostgres } from "@dossier/testing";
import { expect, onTestFinished, test } from "vitest";
import { watchDisk } from "../src/soak/disk.ts";

test("what Postgres wrote is shown once, in the interval in which it was written", async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const pool = openPool(postgres.url, { name: "bench", size: 1 });
  onTestFinished(() => pool.end());
  await pool.query("create table written (line text)");
  const read = await watchDisk(pool);

  await pool.query("insert into written select repeat('x', 1000) from generate_series(1, 5000)");
  await pool.query("select pg_stat_force_next_flush()");
  const during = await read();
  const after = await read();

  expect(during["MB of WAL"]?.[0]).toBeGreaterThan(5);
  expect(after["MB of WAL"]?.[0]).toBeLessThan(1);
});
