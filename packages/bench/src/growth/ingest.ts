import { join } from "node:path";
import { openPool } from "@dossier/store";
import { openScope } from "@dossier/testing";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Load, Measured } from "../load.ts";
import { settleAll } from "../log.ts";
import { inGroups } from "../record.ts";
import type { Servers } from "../servers.ts";
import { startService } from "../services.ts";

const CONNECTIONS = 64;
const DIFFERENT_WEBHOOKS = 5_000;
const BATCH = 1_000;

/** Measures one ingest on a new database, or on the one that the server has; then what it has recorded is settled. */
export async function measureIngest(
  { postgres, redis, createDatabase, clearRedis }: Servers,
  isNew: boolean,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  await using scope = openScope();
  await clearRedis();
  const databaseUrl = isNew ? await createDatabase("growth", "ours") : postgres.url;
  const { child, port } = await startService(scope, "ingest", { databaseUrl, redisUrl: redis.url });
  const load = startChild(scope, join(import.meta.dirname, "../load.ts"));
  const send = () =>
    load.call<Measured>({
      port,
      connections: CONNECTIONS,
      seconds,
      webhooks: DIFFERENT_WEBHOOKS,
      seed: 1,
      again: true,
    } satisfies Load);
  await send();
  const usedCpu = await watchCpu({ ingest: child.pid, postgres: postgres.pid });
  const { webhooks, seconds: took, refused, p50, p99 } = await send();
  const cpu = await usedCpu();
  if (refused > 0) throw new Error(`ingest refused ${refused} webhooks`);
  await settleOpen(databaseUrl);
  return {
    "webhooks/s": webhooks / took,
    "µs CPU a webhook": (cpu.ingest * 1e6) / webhooks,
    "µs CPU, Postgres": (cpu.postgres * 1e6) / webhooks,
    "p50 ms": p50,
    "p99 ms": p99,
  };
}

/** Others measure on the same log later. */
async function settleOpen(databaseUrl: string): Promise<void> {
  const pool = openPool(databaseUrl, { name: "bench", size: 1, timeoutMs: 60_000 });
  const { rows } = await pool.query<{ id: string }>("select delivery_id as id from open_deliveries");
  const ids = rows.map(({ id }) => id);
  for (const batch of inGroups(ids, BATCH)) await settleAll(pool, batch);
  await pool.end();
}
