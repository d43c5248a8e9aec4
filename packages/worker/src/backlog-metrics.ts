import type { DeliveryQueue } from "@dossier/queue";
import type { Metrics } from "@dossier/service";
import { countBacklog, countDeadLetters, type Pool } from "@dossier/store";

/** Shows what waits, in Postgres and in the queue. Every worker shows the same: take one's, or the greatest. */
export function observeBacklog({ meter }: Metrics, pool: Pool, queue: DeliveryQueue): void {
  const open = meter.createObservableGauge("dossier_open_deliveries", {
    description: "Deliveries that are recorded and not settled.",
  });
  const oldest = meter.createObservableGauge("dossier_oldest_open_delivery_seconds", {
    description: "How long the oldest of the open deliveries has waited; 0 when none is open.",
  });
  meter.addBatchObservableCallback(
    async (result) => {
      const waiting = await countBacklog(pool);
      result.observe(open, waiting.open);
      result.observe(oldest, waiting.oldestSeconds);
    },
    [open, oldest],
  );
  meter
    .createObservableGauge("dossier_dead_letters", {
      description: "Deliveries that are dead now, and wait for a person to decide.",
    })
    .addCallback(async (gauge) => {
      for (const [reason, count] of Object.entries(await countDeadLetters(pool, {})))
        gauge.observe(count, { reason });
    });
  meter
    .createObservableGauge("dossier_queue_jobs", {
      description: "Jobs in the queue by state. Failed ones mirror dead letters.",
    })
    .addCallback(async (gauge) => {
      for (const [state, count] of Object.entries(await queue.counts())) gauge.observe(count, { state });
    });
}
