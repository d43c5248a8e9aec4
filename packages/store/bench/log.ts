import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { scenario } from "@dossier/simulator";
import { v7 } from "uuid";
import { migrate, openPool, recordDeliveries, settle, type Pool } from "../src/index.ts";

/**
 * Fills a log through the real write path, on a Postgres of its own with Postgres' defaults (fsync on), up to each of
 * the sizes in `--events`, and measures at each in a process of its own, so that its memory is not that of filling.
 */
export async function atEachSize(script: string, measure: (url: string) => Promise<void>): Promise<void> {
  const { values } = parseArgs({
    options: {
      events: { type: "string", default: "100000,1000000" },
      /** Measures on this log, and fills none. */
      url: { type: "string" },
    },
  });
  if (values.url !== undefined) return measure(values.url);

  const postgres = await startPostgres();
  try {
    await migrate(postgres.url);
    const pool = openPool(postgres.url, { name: "bench", size: 2 });
    const sends = scenario({ persons: 2 ** 31, seed: 1, duplicates: 0.05, shuffle: 0.2 }).webhooks[
      Symbol.iterator
    ]();
    let entries = 0;
    for (const size of values.events.split(",").map(Number)) {
      const start = performance.now();
      entries += await fill(pool, sends, size - entries);
      const seconds = (performance.now() - start) / 1000;
      print(`log of ${entries} entries, filled in ${seconds.toFixed(0)} s`);
      await once(fork(script, ["--url", postgres.url]), "exit");
    }
    await pool.end();
  } finally {
    await postgres.stop();
  }
}

const BATCH = 1_000;

/** Records and settles side by side. */
async function fill(pool: Pool, sends: Iterator<{ body: Buffer }>, count: number): Promise<number> {
  let settled: Promise<unknown> = Promise.resolve();
  let sent = 0;
  for (; sent < count; sent += BATCH) {
    const deliveries = Array.from({ length: BATCH }, () => ({
      deliveryId: v7(),
      body: (sends.next().value as { body: Buffer }).body,
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
  return sent;
}

/**
 * Runs, and prints how many of `what` a second it took, the CPU time of this process, which other load on the machine
 * disturbs less, and the most memory that the process ever had.
 */
export async function timed(what: string, work: () => Promise<number>): Promise<void> {
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  const count = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const megabytes = process.resourceUsage().maxRSS / 1024;
  print(
    `${what}: ${count} in ${seconds.toFixed(1)} s: ${Math.round(count / seconds)}/s, ` +
      `${((user + system) / count).toFixed(1)} µs CPU each, peak RSS ${megabytes.toFixed(0)} MB`,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
