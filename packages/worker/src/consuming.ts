import { setTimeout as sleep } from "node:timers/promises";
import type { Consumer } from "@dossier/queue";
import type { Logger, Metrics } from "@dossier/service";

/** Milliseconds between two looks. A look asks the queue one question. */
const INTERVAL_MS = 2_000;

/**
 * Shows whether the queue's jobs are taken, and logs when that changes; so that a worker which does nothing is never
 * silent. Resolves when it is told to stop.
 */
export async function watchConsuming(
  consumer: Consumer,
  { meter }: Metrics,
  log: Logger,
  shutdownSignal: AbortSignal,
): Promise<void> {
  meter
    .createObservableGauge("dossier_worker_consuming", {
      description:
        "1 while this worker can take the queue's jobs, 0 while it cannot: /readyz says why. Whether Postgres lets it settle them: see dossier_worker_paused_seconds.",
    })
    .addCallback(async (gauge) => gauge.observe((await consumer.readiness()).ready ? 1 : 0));

  let consuming = true;
  for (;;) {
    await sleep(INTERVAL_MS, undefined, { signal: shutdownSignal }).catch(() => undefined);
    const readiness = await consumer.readiness();
    // Whoever is told to stop takes no jobs either, and is in no trouble.
    if (shutdownSignal.aborted) return;
    if (readiness.ready === consuming) continue;
    consuming = readiness.ready;
    if (readiness.ready) log.info("takes the queue's jobs again");
    else log.error({ reason: readiness.reason }, "takes no jobs of the queue; goes on as soon as it can");
  }
}
