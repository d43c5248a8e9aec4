// How fast a log is verified and rebuilt, and with how much memory.
//
//   node bootstrap.mjs node packages/store/bench/log.ts --events 100000,1000000
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { scenario } from "@dossier/simulator";
import { v7 } from "uuid";
import {
  migrate,
  openPool,
  rebuild,
  recordDeliveries,
  settle,
  verifyEvidence,
  type Pool,
} from "../src/index.ts";

/** Each returns how many it handled: `verify` entries, `rebuild` events. */
const OPERATIONS = {
  async verify(url: string): Promise<number> {
    const pool = openPool(url, { name: "bench", size: 1 });
    const { events, redeliveries, findings } = await verifyEvidence(pool);
    await pool.end();
    if (findings.length > 0) throw new Error(`the log does not verify: ${JSON.stringify(findings)}`);
    return events + redeliveries;
  },
  "rebuild --dry-run": async (url: string) => (await rebuild(url, { dryRun: true })).events,
  rebuild: async (url: string) => (await rebuild(url)).events,
};

const BATCH = 1_000;

const { values } = parseArgs({
  options: {
    events: { type: "string", default: "100000,1000000" },
    // For the processes that this one starts.
    url: { type: "string" },
    operation: { type: "string" },
  },
});
if (values.url === undefined) await fillAndMeasure(values.events.split(",").map(Number));
else await measure(values.operation as keyof typeof OPERATIONS, values.url);

/**
 * Fills a log through the real write path, on a Postgres of its own with its defaults (fsync on), up to each of the
 * sizes. Each operation is measured in a process of its own, so that its memory is not that of filling.
 */
async function fillAndMeasure(sizes: readonly number[]): Promise<void> {
  const postgres = await startPostgres();
  try {
    await migrate(postgres.url);
    const pool = openPool(postgres.url, { name: "bench", size: 2 });
    const scenarioOptions = { persons: 2 ** 31, seed: 1, duplicates: 0.05, shuffle: 0.2 };
    const webhooks = scenario(scenarioOptions).webhooks[Symbol.iterator]();
    let entries = 0;
    for (const size of sizes) {
      const startedAt = performance.now();
      entries += await fill(pool, webhooks, size - entries);
      const seconds = (performance.now() - startedAt) / 1000;
      print(`log of ${entries} entries, filled in ${seconds.toFixed(0)} s`);
      for (const operation of Object.keys(OPERATIONS)) {
        const child = fork(import.meta.filename, ["--url", postgres.url, "--operation", operation]);
        await once(child, "exit");
      }
    }
    await pool.end();
  } finally {
    await postgres.stop();
  }
}

/** Records one batch while the one before is settled. */
async function fill(pool: Pool, webhooks: Iterator<{ body: Buffer }>, count: number): Promise<number> {
  let settled: Promise<unknown> = Promise.resolve();
  let filled = 0;
  for (; filled < count; filled += BATCH) {
    const deliveries = Array.from({ length: BATCH }, () => ({
      deliveryId: v7(),
      body: (webhooks.next().value as { body: Buffer }).body,
      headers: {
        "content-type": "application/json",
        "abp-webhook-signature": randomBytes(32).toString("hex"),
      },
      verifiedBy: "signature" as const,
      secretFingerprint: "bench",
    }));
    await recordDeliveries(pool, deliveries);
    await settled;
    settled = settle(
      pool,
      deliveries.map(({ deliveryId }) => deliveryId),
      "bench",
    );
  }
  await settled;
  return filled;
}

/** Prints the rate, this process's CPU time, which other load on the machine affects less, and its peak memory. */
async function measure(operation: keyof typeof OPERATIONS, url: string): Promise<void> {
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const count = await OPERATIONS[operation](url);
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  print(
    `${operation}: ${count} in ${seconds.toFixed(1)} s: ${Math.round(count / seconds)}/s, ` +
      `${((user + system) / count).toFixed(1)} µs CPU each, peak RSS ${megabytes.toFixed(0)} MB`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
