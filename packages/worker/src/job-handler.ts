import type { Outcome, Outcomes } from "@dossier/events";
import type { DeliveryQueue, JobInput, JobResult } from "@dossier/queue";
import { countBy, groupCommit, summedLog, type Logger, type MinuteLog, type Tracing } from "@dossier/service";
import { findDeadLettered, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";
import { ShutdownError, type OutagePause } from "./outage-pause.ts";
import { createAloneSettler } from "./settle-alone.ts";
import { settleBatch } from "./settle-batch.ts";

/** Deliveries in one transaction. More are no faster, and lock more persons for longer. */
const MAX_BATCH = 500;

/** While Postgres works for one, Node works for the other. A second one begins if a full one waits, so that batches stay large. */
const BATCHES_AT_ONCE = 2;

export interface JobHandlerOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly outagePause: OutagePause;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  /** Sums up the outcomes of each minute. */
  readonly summary: MinuteLog;
  readonly tracing: Tracing | undefined;
  /** Attempts after which a delivery is dead-lettered. */
  readonly maxAttempts: number;
  /** Stalls after which a delivery is dead-lettered. */
  readonly maxStalls: number;
}

/**
 * Settles a job's deliveries: in one transaction with those of the jobs beside it, or each alone if the job stalled.
 * Rejects only by a bug; the queue then retries the job.
 */
export type JobHandler = (job: JobInput) => Promise<JobResult>;

/** A job on its way through the steps below. Each takes an execution and returns one. */
interface Execution {
  readonly job: JobInput;
  /** At least those of the job's deliveries. */
  readonly outcomes: Outcomes;
}

export function createJobHandler(options: JobHandlerOptions): JobHandler {
  const { pool, queue, outagePause, metrics, log, summary, tracing, maxAttempts, maxStalls } = options;
  const batchOptions = { pool, outagePause, tracing, maxAttempts, onApplied: metrics.applied };
  const settleAlone = createAloneSettler({ ...batchOptions, maxStalls });
  const unknownDeliveries = summedLog(log, {
    level: "error",
    code: "unknown-delivery",
    message: "job names a delivery that this database never had",
  });
  const stalledJobs = summedLog(log, {
    level: "warn",
    code: "job-stalled",
    message: "job stalled; settling its deliveries one at a time",
  });
  const batches = groupCommit(settleJobs, {
    weigh: (deliveryIds: readonly string[]) => deliveryIds.length,
    maxFlush: MAX_BATCH,
    flushesAtOnce: BATCHES_AT_ONCE,
    // The queue hands out no more jobs than WORKER_CONCURRENCY, which bounds what waits.
    maxWaiting: Number.POSITIVE_INFINITY,
  });

  async function handle(job: JobInput): Promise<JobResult> {
    try {
      return await settleDeliveries(job).then(recallDeadLetters).then(enqueueSingles).then(resultOf);
    } catch (error) {
      // What is not settled stays open; the sweeper of another worker enqueues it.
      if (error instanceof ShutdownError) return { kind: "completed" };
      throw error;
    }
  }

  async function settleDeliveries(job: JobInput): Promise<Execution> {
    if (!job.stalled) return { job, outcomes: await batches.submit(job.deliveryIds) };
    stalledJobs.record("stalled", () => ({ deliveries: job.deliveryIds.length }));
    const outcomes = new Map<string, Outcome>();
    for (const deliveryId of job.deliveryIds)
      for (const outcome of await settleAlone(deliveryId)) outcomes.set(...outcome);
    report(outcomes);
    return { job, outcomes };
  }

  async function settleJobs(jobs: readonly (readonly string[])[]): Promise<Outcomes[]> {
    const deliveryIds = [...new Set(jobs.flat())];
    const started = performance.now();
    const outcomes = await settleBatch(deliveryIds, batchOptions);
    metrics.batch(deliveryIds.length, performance.now() - started);
    report(outcomes);
    return jobs.map(() => outcomes);
  }

  /** Finds deliveries that were dead-lettered by a worker that crashed before their job ended. */
  async function recallDeadLetters(execution: Execution): Promise<Execution> {
    const { job, outcomes } = execution;
    const notOpen = job.deliveryIds.filter((deliveryId) => outcomes.get(deliveryId)?.kind === "not-open");
    if (notOpen.length === 0) return execution;
    const recalled = new Map(outcomes);
    const found = await outagePause.run(() => findDeadLettered(pool, notOpen));
    for (const [deliveryId, deadLetter] of found)
      recalled.set(deliveryId, { kind: "dead-lettered", deadLetter });
    return { job, outcomes: recalled };
  }

  /** A delivery that failed leaves its batch for a job of its own, which shows its outcome. */
  async function enqueueSingles(execution: Execution): Promise<Execution> {
    const { job, outcomes } = execution;
    if (job.single) return execution;
    await Promise.all(
      job.deliveryIds.map(async (deliveryId) => {
        const result = jobResult(outcomes.get(deliveryId));
        if (result.kind === "retry") await enqueueSingle(deliveryId, result.delayMs);
        if (result.kind === "failed") await enqueueSingle(deliveryId, 0);
      }),
    );
    return execution;
  }

  async function enqueueSingle(deliveryId: string, delayMs: number): Promise<void> {
    try {
      await queue.enqueueSingle(deliveryId, { delayMs });
    } catch (err) {
      // Nothing is lost: the sweeper enqueues open deliveries, and Postgres has the dead letters.
      log.warn({ code: "single-not-enqueued", err, deliveryId }, "delivery not enqueued");
    }
  }

  function resultOf({ job, outcomes }: Execution): JobResult {
    const [deliveryId = ""] = job.deliveryIds;
    return job.single ? jobResult(outcomes.get(deliveryId)) : { kind: "completed" };
  }

  function report(outcomes: Outcomes): void {
    metrics.settled(outcomes);
    for (const [kind, count] of countBy(outcomes.values(), (outcome) => outcome.kind))
      summary.add(kind, count);
    for (const [deliveryId, outcome] of outcomes) logOutcome(deliveryId, outcome);
  }

  function logOutcome(deliveryId: string, outcome: Outcome): void {
    switch (outcome.kind) {
      case "failed": {
        const { attempt, error, retryInMs } = outcome;
        const fields = { code: "delivery-failed", deliveryId, attempt, error, retryInMs };
        return log.warn(fields, "delivery failed; retrying");
      }
      case "snoozed": {
        const fields = { code: "delivery-snoozed", deliveryId, error: outcome.error };
        return log.warn(fields, "postgres cannot settle this delivery; snoozing it");
      }
      case "dead-lettered": {
        const fields = { code: "delivery-dead-lettered", deliveryId, reason: outcome.deadLetter.reason };
        return log.warn(fields, "delivery dead-lettered");
      }
      case "unknown":
        return unknownDeliveries.record("unknown", () => ({ deliveryId: deliveryId.slice(0, 36) }));
      case "applied":
      case "duplicate":
      case "not-open":
        return log.debug({ code: "delivery-settled", deliveryId, outcome: outcome.kind }, "delivery settled");
    }
  }

  return handle;
}

/**
 * Returns how the job of a single delivery ends. BullMQ's failed jobs show the latest dead letters, and its retries are
 * the delivery's attempts; see docs/outcomes.md.
 */
export function jobResult(outcome: Outcome | undefined): JobResult {
  switch (outcome?.kind) {
    case "applied":
    case "duplicate":
    case "snoozed":
    case "not-open":
    case "unknown":
    case undefined:
      return { kind: "completed" };
    case "failed":
      return { kind: "retry", error: outcome.error, delayMs: outcome.retryInMs };
    case "dead-lettered":
      return { kind: "failed", error: `${outcome.deadLetter.reason}: ${outcome.deadLetter.message}` };
  }
}
