// How fast deliveries are recorded and settled, in one process, on a Postgres of its own with its defaults (fsync on).
// One transaction at a time records, `--concurrency` at a time settle.
//
//   node bootstrap.mjs node packages/store/bench/settle.ts --deliveries 50000 --batch 500 --concurrency 1
import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { scenario } from "@dossier/simulator";
import { v7 } from "uuid";
import { migrate, openPool, recordDeliveries, settle, type Delivery, type Pool } from "../src/index.ts";

const { values } = parseArgs({
  options: {
    deliveries: { type: "string", default: "50000" },
    batch: { type: "string", default: "500" },
    concurrency: { type: "string", default: "1" },
    duplicates: { type: "string", default: "0.2" },
    shuffle: { type: "string", default: "0.2" },
    seed: { type: "string", default: "1" },
  },
});
const batchSize = Number(values.batch);
const concurrency = Number(values.concurrency);

const postgres = await startPostgres();
try {
  await migrate(postgres.url);
  const pool = openPool(postgres.url, { name: "bench", size: concurrency });
  await run(pool);
  await pool.end();
} finally {
  await postgres.stop();
}

async function run(pool: Pool): Promise<void> {
  const deliveries = createDeliveries(Number(values.deliveries));
  await measure("recorded", deliveries.length, () =>
    inBatches(1, deliveries, (batch) => recordDeliveries(pool, batch)),
  );

  const ids = deliveries.map(({ deliveryId }) => deliveryId);
  const counts: Record<string, number> = {};
  await measure("settled", ids.length, () =>
    inBatches(concurrency, ids, async (batch) => {
      for (const { kind } of (await settle(pool, batch, "bench")).values())
        counts[kind] = (counts[kind] ?? 0) + 1;
    }),
  );
  process.stdout.write(`outcomes: ${JSON.stringify(counts)}\n`);
}

function createDeliveries(count: number): Delivery[] {
  const { webhooks } = scenario({
    persons: count,
    seed: Number(values.seed),
    duplicates: Number(values.duplicates),
    shuffle: Number(values.shuffle),
  });
  return Iterator.from(webhooks)
    .take(count)
    .map(({ body }) => ({
      deliveryId: v7(),
      body,
      headers: {
        "content-type": "application/json",
        "abp-webhook-signature": randomBytes(32).toString("hex"),
      },
      verifiedBy: "signature" as const,
      secretFingerprint: "bench",
    }))
    .toArray();
}

async function inBatches<T>(
  concurrency: number,
  items: readonly T[],
  handle: (batch: readonly T[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  async function handleBatches(): Promise<void> {
    while (next < items.length) await handle(items.slice(next, (next += batchSize)));
  }
  await Promise.all(Array.from({ length: concurrency }, handleBatches));
}

async function measure(name: string, count: number, operation: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await operation();
  const seconds = (performance.now() - startedAt) / 1000;
  process.stdout.write(
    `${name} ${count} deliveries in ${seconds.toFixed(2)} s: ${Math.round(count / seconds)}/s\n`,
  );
}
