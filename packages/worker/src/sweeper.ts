import type { DeliveryQueue } from "@dossier/queue";
import { outageLog, type Logger, type OutageLog } from "@dossier/service";
import { sealRecords, takeDueDeliveries, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";
import { repeatUntilShutdown } from "./repeat.ts";

/** Milliseconds between two sweeps. A sweep that finds no due delivery reads one page of an index. */
const INTERVAL_MS = 1_000;
/** Deliveries of one sweep. */
const MAX_TAKEN = 10_000;
/**
 * Most sweeps look at what became due lately: while a transaction elsewhere keeps an old snapshot, looking at all costs
 * more and more. All are looked at by one sweep of so many, and by the first one after any that took not all.
 */
const LATELY_SECONDS = 30;
const SWEEPS_PER_FULL_ONE = 30;
/** If more jobs wait, most open deliveries are in one of them, and another job would only repeat it. */
const MAX_WAITING_JOBS = 50;

export interface SweeperOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly queueOutage: OutageLog;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  readonly shutdownSignal: AbortSignal;
}

/**
 * Enqueues open deliveries that are due: their job was lost with Redis, or never enqueued. So a lost job costs a delay,
 * and no delivery. Every worker runs this; each delivery goes to one of them. Resolves at shutdown.
 */
export async function runSweeper(options: SweeperOptions): Promise<void> {
  const { pool, queue, queueOutage, metrics, log, shutdownSignal } = options;
  let sinceFullSweep = SWEEPS_PER_FULL_ONE;
  const outage = outageLog(log, {
    began: { code: "sweep-failed", message: "sweep failed; retrying" },
    ended: { code: "sweep-recovered", message: "sweeps succeed again" },
  });
  await repeatUntilShutdown(
    async () => {
      const taken = await outage.watch(sweepAndSeal).catch(() => 0);
      return taken < MAX_TAKEN ? undefined : "again";
    },
    INTERVAL_MS,
    shutdownSignal,
  );

  /**
   * Dead letters and decisions get their seals here, since no transaction that writes one may wait for another. Sweeping
   * comes first: it must go on even if sealing fails.
   */
  async function sweepAndSeal(): Promise<number> {
    const taken = await sweep();
    await sealRecords(pool);
    return taken;
  }

  /** Returns how many deliveries it enqueued. */
  async function sweep(): Promise<number> {
    const isFull = sinceFullSweep >= SWEEPS_PER_FULL_ONE;
    const since = isFull ? 1 : sinceFullSweep + 1;
    // Unless this one takes all that it looks for.
    sinceFullSweep = SWEEPS_PER_FULL_ONE;
    const { waiting } = await queueOutage.watch(() => queue.counts());
    if (waiting > MAX_WAITING_JOBS) return 0;
    const groups = await takeDueDeliveries(pool, MAX_TAKEN, isFull ? undefined : LATELY_SECONDS);
    for (const deliveryIds of groups) await queue.enqueue(deliveryIds);
    const taken = groups.flat().length;
    if (taken > 0) {
      metrics.swept(taken);
      log.info({ code: "swept", deliveries: taken }, "open deliveries enqueued");
    }
    if (taken < MAX_TAKEN) sinceFullSweep = since;
    return taken;
  }
}
