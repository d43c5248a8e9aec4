// How many webhooks per second one ingest accepts from one client, each in a process of its own, on a Postgres with its
// defaults (fsync on) and a Redis of their own.
//
//   node bootstrap.mjs node packages/ingest/bench/webhooks.ts --webhooks 100000 --connections 256
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { migrateQueue } from "@dossier/queue";
import { createLogger, serveOps } from "@dossier/service";
import { migrate, openPool, type Pool } from "@dossier/store";
import { startRedis } from "@dossier/testing";
import { startIngest } from "../src/index.ts";
import { SECRET, type Load, type Measurement } from "./load.ts";

const { values } = parseArgs({
  options: {
    webhooks: { type: "string", default: "100000" },
    connections: { type: "string", default: "256" },
    "warm-up": { type: "string", default: "10000" },
  },
});

const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
try {
  await migrate(postgres.url);
  await migrateQueue(postgres.url);
  await run();
} finally {
  await Promise.all([postgres.stop(), redis.stop()]);
}

async function run(): Promise<void> {
  const log = createLogger({ service: "ingest", level: "warn" });
  const drainSignal = new AbortController().signal;
  const fail = (reason: string) => {
    throw new Error(reason);
  };
  const ops = await serveOps({ service: "ingest", OPS_PORT: 0, OPS_HOST: "127.0.0.1", log, drainSignal });
  if (!ops.ok) throw new Error(ops.error);
  const ingest = await startIngest(
    {
      PORT: 0,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      ICOMPLY_WEBHOOK_SECRETS: [SECRET],
      MAX_BODY_BYTES: 1024 * 1024,
      KEEP_ALIVE_SECONDS: 65,
    },
    { log, ops: ops.value, shutdownSignal: drainSignal, fail },
  );
  if (!ingest.ok) throw new Error(ingest.error);
  const { port, shutdown } = ingest.value;
  const pool = openPool(postgres.url, { name: "bench", size: 1 });
  const connections = Number(values.connections);

  await measure({ port, connections, webhooks: Number(values["warm-up"]), seed: 1 });
  const before = await countCommits(pool);
  const cpu = process.cpuUsage();
  const { seconds, p50, p99, refused } = await measure({
    port,
    connections,
    webhooks: Number(values.webhooks),
    seed: 2,
  });
  const { user, system } = process.cpuUsage(cpu);
  const after = await countCommits(pool);
  const deliveries = after.deliveries - before.deliveries;
  const commits = after.commits - before.commits;
  print(
    `${deliveries} webhooks on ${connections} connections in ${seconds.toFixed(2)} s, ${refused} refused`,
  );
  print(`${Math.round(deliveries / seconds)} webhooks/s, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`);
  print(`${(deliveries / commits).toFixed(1)} deliveries per commit`);
  print(`${((user + system) / deliveries).toFixed(0)} µs of ingest's CPU per webhook`);

  await pool.end();
  for (const step of Object.values(shutdown)) await step();
  await ops.value.close();
}

async function countCommits(pool: Pool): Promise<{ deliveries: number; commits: number }> {
  const { rows } = await pool.query<{ deliveries: number; commits: number }>(
    "select count(*)::int as deliveries, count(distinct xmin::text)::int as commits from deliveries",
  );
  return rows[0] ?? { deliveries: 0, commits: 0 };
}

async function measure(load: Load): Promise<Measurement> {
  const client = fork(fileURLToPath(new URL("load.ts", import.meta.url)), [JSON.stringify(load)]);
  const exited = once(client, "exit").then(() => Promise.reject(new Error("the client ended early")));
  const [measurement] = (await Promise.race([once(client, "message"), exited])) as [Measurement];
  await exited.catch(() => undefined);
  return measurement;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
