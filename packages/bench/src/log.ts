import { startProgress } from "@dossier/cli/terminal/progress";
import type { LocalServer } from "@dossier/embedded";
import { poison, scenario } from "@dossier/simulator";
import { settle, type Pool } from "@dossier/store";
import type { Scope } from "@dossier/testing";
import { WEBHOOKS_PER_DEAD_LETTER } from "./bodies.ts";
import { recordBodies } from "./record.ts";
import { startSeeded } from "./servers.ts";

const BATCH = 1_000;

/** The share of webhooks that are redeliveries. */
const DUPLICATES = 0.05;
const SHUFFLE = 0.1;

/** Starts a Postgres with a log of so many webhooks; several benchmarks may share its folder. */
export async function startLog(scope: Scope, data: string, events: number): Promise<LocalServer> {
  const postgres = await startSeeded({
    data,
    name: `log-${events}`,
    async seed(pool) {
      await fillLog(pool, events);
      await pool.query("vacuum (freeze, analyze)");
    },
  });
  scope.onTestFinished(() => postgres.stop());
  return postgres;
}

/** Fills an empty log through the product's own write path, with so many webhooks of mixed persons. */
export async function fillLog(pool: Pool, count: number): Promise<void> {
  using progress = startProgress("webhooks recorded and settled", count);
  await recordAndSettle(pool, bodies(count), (recorded) => progress.advance(recorded));
}

/** Records one batch while the one before is settled. */
export async function recordAndSettle(
  pool: Pool,
  all: Iterable<Buffer>,
  onRecorded: (recorded: number) => void,
): Promise<void> {
  let settled: Promise<unknown> = Promise.resolve();
  for await (const deliveryIds of recordBodies(pool, all, BATCH)) {
    await settled;
    settled = settleAll(pool, deliveryIds);
    onRecorded(deliveryIds.length);
  }
  await settled;
}

/** Of mixed persons, with dead letters of several reasons among them. */
function* bodies(count: number): Generator<Buffer> {
  const options = { persons: count, seed: 1, duplicates: DUPLICATES, shuffle: SHUFFLE };
  const wrong = poison({ count, seed: 1 });
  const conflicts = scenario(options).conflicts[Symbol.iterator]();
  let n = 0;
  for (const { body } of Iterator.from(scenario(options).webhooks).take(count)) {
    yield body;
    if (++n % WEBHOOKS_PER_DEAD_LETTER !== 0) continue;
    const other = n % (2 * WEBHOOKS_PER_DEAD_LETTER) === 0 ? conflicts.next() : wrong.next();
    if (other.done !== true) yield other.value.body;
  }
}

/** A batch with large deliveries takes more than one transaction. */
export async function settleAll(pool: Pool, deliveryIds: readonly string[]): Promise<void> {
  for (let left = deliveryIds; left.length > 0;) {
    const outcomes = await settle(pool, left, "bench");
    left = left.filter((deliveryId) => !outcomes.has(deliveryId));
  }
}
