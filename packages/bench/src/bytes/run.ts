import { randomUUIDv7 } from "node:crypto";
import { openQueue } from "@dossier/queue";
import { openPool, type Pool } from "@dossier/store";
import { openScope, startRedis } from "@dossier/testing";
import { Redis } from "ioredis";
import { startLog } from "../log.ts";
import { usedMemory } from "../memory.ts";
import type { DataOptions } from "../options.ts";
import { formatNumber, type Row, type Table } from "../result.ts";

const MEBIBYTE = 1024 ** 2;

/** Measures what an event takes in Postgres, with all its indexes, and what waiting deliveries take in Redis. */
export async function run({ data, size, sizes }: DataOptions): Promise<readonly Table[]> {
  await using scope = openScope();
  const postgres = await startLog(scope, data, size("events"));
  const pool = openPool(postgres.url, { name: "bench", size: 1, timeoutMs: 600_000 });
  const tables = await readTables(pool);
  await pool.end();
  const jobs: Row[] = [];
  for (const job of sizes("job"))
    jobs.push({
      keys: [formatNumber(job)],
      figures: { "MiB in Redis": [(await fillRedis(size("waiting"), job)) / MEBIBYTE] },
    });
  return [
    { title: "Bytes of an event in Postgres", keys: ["table"], rows: tables, bars: ["bytes an event"] },
    {
      title: `${formatNumber(size("waiting"))} waiting deliveries in Redis`,
      keys: ["deliveries a job"],
      rows: jobs,
    },
  ];
}

/** Returns the bytes of each table for each event, those that take the most first, and their sum. */
async function readTables(pool: Pool): Promise<readonly Row[]> {
  const { rows } = await pool.query<{ name: string; heap: number; indexes: number; events: number }>(
    `select coalesce(relname, 'all tables') as name, sum(pg_table_size(oid))::float8 as heap,
       sum(pg_indexes_size(oid))::float8 as indexes, (select count(*)::float8 from events) as events
     from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace
     group by rollup (relname) having sum(pg_total_relation_size(oid)) > 10 * (select count(*) from events)
     order by sum(pg_total_relation_size(oid)) desc`,
  );
  return rows.map(({ name, heap, indexes, events }) => ({
    keys: [name],
    figures: {
      "bytes an event": [(heap + indexes) / events],
      "of these, rows": [heap / events],
      "of these, indexes": [indexes / events],
    },
  }));
}

/** Returns the bytes that an empty Redis takes more for so many deliveries, in jobs of this size. */
async function fillRedis(deliveries: number, job: number): Promise<number> {
  await using scope = openScope();
  const redis = await startRedis();
  scope.onTestFinished(() => redis.stop());
  const client = new Redis(redis.url);
  const queue = openQueue(
    { redisUrl: redis.url, installationId: () => Promise.resolve("bench") },
    { name: "bench", timeoutMs: 60_000, onError: (error) => process.stderr.write(`${error.message}\n`) },
  );
  await queue.counts();
  const before = await usedMemory(client);
  for (let start = 0; start < deliveries; start += job)
    await queue.enqueue(Array.from({ length: Math.min(job, deliveries - start) }, () => randomUUIDv7()));
  const after = await usedMemory(client);
  await queue.close();
  await client.quit();
  return after - before;
}
