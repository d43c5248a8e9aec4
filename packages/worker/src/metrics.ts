import { TICKS_PER_MILLISECOND, type Outcomes, type Ticks } from "@dossier/events";
import type { Consumer, DeliveryQueue } from "@dossier/queue";
import { countBy, type Counter, type Metrics } from "@dossier/service";
import { countBacklog, countDeadLetters, readConnectionUse, type Pool } from "@dossier/store";
import type { OutagePause } from "./outage-pause.ts";

/** The metrics of what this worker does. */
export interface WorkerMetrics {
  /** Counts the outcomes of deliveries. */
  settled(outcomes: Outcomes): void;
  /** Counts deliveries that were applied just now, by the time since their receipt. */
  applied(receivedTicks: readonly Ticks[]): void;
  /** Records how many deliveries shared a batch, and how long it took in milliseconds. */
  batch(deliveries: number, tookMs: number): void;
  /** Counts a connection to the queue that was replaced, as the queue was silent. */
  reconnected(): void;
  /** Counts open deliveries that the sweeper enqueued. */
  swept(deliveries: number): void;
}

/** @param counter counts by minute, beside the metrics */
export function createWorkerMetrics({ meter }: Metrics, counter: Counter): WorkerMetrics {
  const deliveries = meter.createCounter("dossier_deliveries_total", {
    description: "Attempts to settle a delivery, by outcome.",
  });
  const batchSeconds = meter.createHistogram("dossier_batch_seconds", {
    description: "How long a batch of deliveries took, from its first statement to its commit.",
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  });
  const batchDeliveries = meter.createHistogram("dossier_batch_deliveries", {
    description: "How many deliveries shared a batch.",
    advice: { explicitBucketBoundaries: [1, 2, 5, 10, 25, 50, 100, 250, 500] },
  });
  const receiptToState = meter.createHistogram("dossier_receipt_to_state_seconds", {
    description: "Time from a webhook's receipt to the commit of its person's state.",
    advice: {
      explicitBucketBoundaries: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300, 3_600],
    },
  });
  const swept = meter.createCounter("dossier_deliveries_swept_total", {
    description: "Open deliveries that the sweeper enqueued because no job had settled them.",
  });

  const reconnections = meter.createCounter("dossier_worker_reconnections_total", {
    description: "Connections to the queue that were replaced because the queue did not answer.",
  });

  return {
    reconnected: () => reconnections.add(1),
    batch(size, tookMs) {
      batchSeconds.record(tookMs / 1_000);
      batchDeliveries.record(size);
    },
    settled(outcomes) {
      for (const [kind, count] of countBy(outcomes.values(), (outcome) => outcome.kind)) {
        deliveries.add(count, { outcome: kind });
        counter.add(`outcome/${kind}`, count);
      }
    },
    applied(receivedTicks) {
      const receivedMs = receivedTicks.map((ticks) => Number(ticks / TICKS_PER_MILLISECOND));
      counter.addApplied(receivedMs);
      const now = Date.now();
      for (const each of receivedMs) receiptToState.record(Math.max(0, now - each) / 1_000);
    },
    swept: (count) => swept.add(count),
  };
}

/** Observes whether this worker works. */
export function observeWorker({ meter }: Metrics, consumer: Consumer, outagePause: OutagePause): void {
  meter
    .createObservableGauge("dossier_worker_consuming", {
      description:
        "1 while this worker can take jobs from the queue, else 0; /readyz says why. Whether it can settle them: dossier_worker_paused_seconds.",
    })
    .addCallback(async (gauge) => {
      gauge.observe(
        await consumer.checkReady().then(
          () => 1,
          () => 0,
        ),
      );
    });
  meter
    .createObservableGauge("dossier_worker_paused_seconds", {
      description: "How long an outage of Postgres has paused this worker; 0 while it works.",
    })
    .addCallback((gauge) => {
      const { outage } = outagePause;
      gauge.observe(outage === undefined ? 0 : (Date.now() - outage.since.getTime()) / 1_000);
    });
}

/** Observes what waits, in Postgres and in the queue. Every worker shows the same numbers: take one's, or the maximum. */
export function observeBacklog({ meter }: Metrics, pool: Pool, queue: DeliveryQueue): void {
  const open = meter.createObservableGauge("dossier_open_deliveries", {
    description: "Deliveries that are recorded and not settled.",
  });
  const oldest = meter.createObservableGauge("dossier_oldest_open_delivery_seconds", {
    description:
      "How long the oldest open delivery has waited since its receipt or last redrive; 0 if none is open.",
  });
  const last = meter.createObservableGauge("dossier_last_webhook_seconds", {
    description: "Time since the last webhook was accepted, by any ingest; absent if there was none ever.",
  });
  meter.addBatchObservableCallback(
    async (result) => {
      const backlog = await countBacklog(pool);
      result.observe(open, backlog.open);
      result.observe(oldest, backlog.oldestSeconds);
      if (backlog.lastSeconds !== undefined) result.observe(last, backlog.lastSeconds);
    },
    [open, oldest, last],
  );
  meter
    .createObservableGauge("dossier_postgres_connections_used_ratio", {
      description: "Share of Postgres' max_connections that is in use, by anybody.",
    })
    .addCallback(async (gauge) => gauge.observe(await readConnectionUse(pool)));
  meter
    .createObservableGauge("dossier_dead_letters", {
      description: "Dead letters that wait for an operator's decision, by reason.",
    })
    .addCallback(async (gauge) => {
      for (const [reason, count] of Object.entries(await countDeadLetters(pool, {})))
        gauge.observe(count, { reason });
    });
  meter
    .createObservableGauge("dossier_queue_jobs", {
      description: "Jobs in the queue, by state. Failed ones show the latest dead letters.",
    })
    .addCallback(async (gauge) => {
      for (const [state, count] of Object.entries(await queue.counts())) gauge.observe(count, { state });
    });
}
