// How fast one worker settles a full queue, and with how much CPU time, beside the same transactions without a queue. Both
// take turns, each in a process of its own, on one Postgres with its defaults (fsync on) and one Redis.
//
//   node bootstrap.mjs node packages/worker/bench/settle.ts --deliveries 20000 --job 40 --rounds 3
import { fork } from "node:child_process";
import { randomUUIDv7 } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { migrateQueue, openQueue, type DeliveryQueue } from "@dossier/queue";
import { scenario } from "@dossier/simulator";
import { migrate, openPool, readInstallationId, recordDeliveries, type Pool } from "@dossier/store";
import { startRedis } from "@dossier/testing";

const { values } = parseArgs({
  options: {
    deliveries: { type: "string", default: "20000" },
    // Deliveries in one job: as many as ingest recorded in one commit.
    job: { type: "string", default: "40" },
    rounds: { type: "string", default: "3" },
    // Modules that settle; one of another working tree compares two versions.
    settlers: { type: "string", default: "./worker.ts,./transactions.ts" },
  },
});
const deliveries = Number(values.deliveries);

/** What a settler gets. */
export interface Places {
  readonly postgresUrl: string;
  readonly redisUrl: string;
}

const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
try {
  await migrate(postgres.url);
  await migrateQueue(postgres.url);
  await run();
} finally {
  await Promise.all([postgres.stop(), redis.stop()]);
}

async function run(): Promise<void> {
  const pool = openPool(postgres.url, { name: "bench", size: 1 });
  const installationId = () => readInstallationId(pool);
  const queue = openQueue({ redisUrl: redis.url, installationId }, { name: "bench", onError: print });
  let seed = 1;
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const settler of values.settlers.split(",")) {
      await fill(pool, queue, seed++);
      const { seconds, cpuMicros } = await settleAll(pool, settler);
      if (round > 0)
        print(
          `${settler}: ${(cpuMicros / deliveries).toFixed(0)} µs CPU a delivery, ${Math.round(deliveries / seconds)} deliveries/s`,
        );
    }
  await queue.close();
  await pool.end();
}

/** Records deliveries of new persons, and enqueues them. */
async function fill(pool: Pool, queue: DeliveryQueue, seed: number): Promise<void> {
  const { webhooks } = scenario({ persons: deliveries, seed, duplicates: 0.1, shuffle: 0.1 });
  const size = Number(values.job);
  const bodies = Iterator.from(webhooks)
    .take(deliveries)
    .map(({ body }) => body)
    .toArray();
  for (let start = 0; start < deliveries; start += size) {
    const recorded = bodies.slice(start, start + size).map((body) => ({
      deliveryId: randomUUIDv7(),
      body,
      headers: { "content-type": "application/json; charset=utf-8" },
      verifiedBy: "signature" as const,
      secretFingerprint: "bench",
    }));
    await recordDeliveries(pool, recorded);
    await queue.enqueue(recorded.map(({ deliveryId }) => deliveryId));
  }
}

/** Measures from the first settled delivery to the last, without the process's start. */
async function settleAll(pool: Pool, settler: string): Promise<{ seconds: number; cpuMicros: number }> {
  const places: Places = { postgresUrl: postgres.url, redisUrl: redis.url };
  const child = fork(fileURLToPath(new URL("settler.ts", import.meta.url)), [
    settler,
    JSON.stringify(places),
  ]);
  await once(child, "message");
  const startedAt = performance.now();
  while ((await countOpen(pool)) > 0) await delay(20);
  const seconds = (performance.now() - startedAt) / 1_000;
  child.send("cpu");
  const [cpuMicros] = (await once(child, "message")) as [number];
  child.disconnect();
  await once(child, "exit");
  return { seconds, cpuMicros };
}

async function countOpen(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ open: number }>(
    "select count(*)::int as open from (select from open_deliveries limit 1) as _",
  );
  return rows[0]?.open ?? 0;
}

function print(line: unknown): void {
  process.stdout.write(`${String(line)}\n`);
}
