// How fast deliveries are recorded and settled, in one process, on a Postgres of its own with Postgres' defaults
// (fsync on). `--flights` transactions at a time settle; one at a time records.
//
//   node bootstrap.mjs node packages/store/bench/settle.ts --deliveries 50000 --batch 500
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
    flights: { type: "string", default: "1" },
    duplicates: { type: "string", default: "0.2" },
    shuffle: { type: "string", default: "0.2" },
    seed: { type: "string", default: "1" },
  },
});
const batch = Number(values.batch);
const flights = Number(values.flights);

const postgres = await startPostgres();
try {
  await migrate(postgres.url);
  const pool = openPool(postgres.url, { name: "bench", size: flights });
  await run(pool);
  await pool.end();
} finally {
  await postgres.stop();
}

async function run(pool: Pool): Promise<void> {
  const deliveries = made(Number(values.deliveries));
  const recorded = await timed(() => inBatches(1, deliveries, (some) => recordDeliveries(pool, some)));
  print("recorded", deliveries.length, recorded);

  const ids = deliveries.map(({ deliveryId }) => deliveryId);
  const ended = { applied: 0, duplicates: 0, dead: 0 };
  const settled = await timed(() =>
    inBatches(flights, ids, async (some) => {
      const { applied, duplicates, dead } = await settle(pool, some, "bench");
      ended.applied += applied.length;
      ended.duplicates += duplicates.length;
      ended.dead += dead.length;
    }),
  );
  print("settled", ids.length, settled, JSON.stringify(ended));
}

function made(count: number): Delivery[] {
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
  flights: number,
  items: readonly T[],
  work: (some: readonly T[]) => Promise<void>,
): Promise<void> {
  let next = 0;
  async function fly(): Promise<void> {
    while (next < items.length) await work(items.slice(next, (next += batch)));
  }
  await Promise.all(Array.from({ length: flights }, fly));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

function print(what: string, count: number, seconds: number, more = ""): void {
  process.stdout.write(
    `${what} ${count} in ${seconds.toFixed(2)} s: ${Math.round(count / seconds)}/s ${more}\n`,
  );
}
