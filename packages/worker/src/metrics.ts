import type { Outcomes } from "@dossier/events";
import type { Metrics } from "@dossier/service";
import type { OutagePause } from "./outage-pause.ts";

export interface WorkerMetrics {
  /** Counts what became of deliveries. */
  settled(outcomes: Outcomes): void;
  /** Notes how many deliveries shared a batch, and how long it took in milliseconds. */
  batch(deliveries: number, tookMs: number): void;
  /** Counts open deliveries that the sweeper enqueued. */
  swept(deliveries: number): void;
}

export function workerMetrics({ meter }: Metrics, outagePause: OutagePause): WorkerMetrics {
  const deliveries = meter.createCounter("dossier_deliveries_total", {
    description: "Deliveries by what a try made of them.",
  });
  const batchSeconds = meter.createHistogram("dossier_batch_seconds", {
    description: "How long a batch of deliveries took, from its first statement to its commit.",
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  });
  const batchDeliveries = meter.createHistogram("dossier_batch_deliveries", {
    description: "How many deliveries shared a batch.",
    advice: { explicitBucketBoundaries: [1, 2, 5, 10, 25, 50, 100, 250, 500] },
  });
  const swept = meter.createCounter("dossier_deliveries_swept_total", {
    description: "Open deliveries that the sweeper enqueued because no job had settled them.",
  });
  meter
    .createObservableGauge("dossier_worker_paused_seconds", {
      description: "For how long an outage has kept this worker from settling anything; 0 while it works.",
    })
    .addCallback((gauge) => {
      const { outage } = outagePause;
      gauge.observe(outage === undefined ? 0 : (Date.now() - outage.since.getTime()) / 1_000);
    });

  return {
    batch(size, tookMs) {
      batchSeconds.record(tookMs / 1_000);
      batchDeliveries.record(size);
    },
    settled(outcomes) {
      for (const [kind, { length }] of Object.entries(
        Object.groupBy(outcomes.values(), ({ kind }) => kind),
      )) {
        deliveries.add(length, { outcome: kind });
      }
    },
    swept: (count) => swept.add(count),
  };
}
