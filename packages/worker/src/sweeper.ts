import { setTimeout as sleep } from "node:timers/promises";
import type { DeliveryQueue } from "@dossier/queue";
import { outageLog, type Logger, type OutageLog } from "@dossier/service";
import { takeDueDeliveries, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";

/** Milliseconds between two looks. A look at an inbox without due deliveries reads one page of an index. */
const INTERVAL_MS = 1_000;
/** Deliveries taken in one look. */
const MAX_TAKEN = 10_000;
/** Deliveries in one job: what one transaction carries. */
const MAX_IN_JOB = 500;
/** While more jobs than this wait, what is open is most likely among them: enqueuing it again would only repeat it. */
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
 * Enqueues what is recorded and unsettled although its time has passed: a job that was lost with Redis, or never
 * came to be, costs a delay and no delivery. Runs in every worker; each delivery goes to one of them. Resolves when
 * it is told to stop.
 */
export async function sweep(options: SweeperOptions): Promise<void> {
  const { pool, queue, queueOutage, metrics, log, shutdownSignal } = options;
  const outage = outageLog(log, {
    began: { code: "sweep-failed", message: "sweep failed; retrying" },
    ended: { code: "sweep-recovered", message: "sweeps succeed again" },
  });
  const stopped = new Promise<number>((resolve) => {
    shutdownSignal.addEventListener("abort", () => resolve(0), { once: true });
  });
  while (!shutdownSignal.aborted) {
    // A look that fails has been told, and the next look is the next try. One at a server that has gone silent lasts
    // longer than a shutdown may.
    const taken = await Promise.race([outage.watch(sweepOnce).catch(() => 0), stopped]);
    if (taken < MAX_TAKEN)
      await sleep(INTERVAL_MS, undefined, { signal: shutdownSignal }).catch(() => undefined);
  }

  async function sweepOnce(): Promise<number> {
    const { waiting } = await queueOutage.watch(() => queue.counts());
    if (waiting > MAX_WAITING_JOBS) return 0;
    const due = await takeDueDeliveries(pool, MAX_TAKEN);
    for (let start = 0; start < due.length; start += MAX_IN_JOB) {
      await queue.enqueue(due.slice(start, start + MAX_IN_JOB));
    }
    if (due.length > 0) {
      metrics.swept(due.length);
      log.info({ deliveries: due.length }, "swept: open deliveries without a job were enqueued");
    }
    return due.length;
  }
}
