import { stalled, type Outcome, type Outcomes } from "@dossier/events";
import type { DeliveryQueue, JobInput, JobResult } from "@dossier/queue";
import { groupCommit, summedLog, version, type Logger } from "@dossier/service";
import { deadLetter, findDeadLettered, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";
import { ShutdownError, type OutagePause } from "./outage-pause.ts";
import { settleBatch } from "./settle-batch.ts";

/** Deliveries in one transaction. More are no faster, and lock more persons for longer. */
const MAX_BATCH = 500;

/** The delay before a job that failed by a fault of this code is retried, in milliseconds. */
const RETRY_MS = 1_000;

export interface JobHandlerOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly outagePause: OutagePause;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  /** Attempts after which a delivery is dead-lettered. */
  readonly maxAttempts: number;
}

export interface JobHandler {
  /** Settles a job's deliveries, in one transaction with those of the jobs beside it. */
  handle(job: JobInput): Promise<JobResult>;
  /** Ends a job that stalled too often: a batch is split, and a single delivery is dead-lettered. */
  handleStalled(job: JobInput): Promise<JobResult>;
}

/** A job on its way through the steps below. Each takes an execution and returns one. */
interface Execution {
  readonly job: JobInput;
  /** At least those of the job's deliveries. */
  readonly outcomes: Outcomes;
}

export function createJobHandler(options: JobHandlerOptions): JobHandler {
  const { pool, queue, outagePause, metrics, log, maxAttempts } = options;
  const unknownDeliveries = summedLog(log, {
    level: "error",
    code: "unknown-delivery",
    message: "job names a delivery that this database never had",
  });
  const batches = groupCommit(settleJobs, {
    weigh: (deliveryIds: readonly string[]) => deliveryIds.length,
    maxFlush: MAX_BATCH,
    // The queue hands out no more jobs than WORKER_CONCURRENCY, which bounds what waits.
    maxWaiting: Number.POSITIVE_INFINITY,
  });

  async function handle(job: JobInput): Promise<JobResult> {
    return settleDeliveries(job).then(recallDeadLetters).then(enqueueSingles).then(endJob);
  }

  async function handleStalled(job: JobInput): Promise<JobResult> {
    if (!job.single) return splitJob(job);
    return deadLetterDelivery(job).then(recallDeadLetters).then(endJob);
  }

  async function settleDeliveries(job: JobInput): Promise<Execution> {
    return { job, outcomes: await batches.submit(job.deliveryIds) };
  }

  async function settleJobs(jobs: readonly (readonly string[])[]): Promise<Outcomes[]> {
    const deliveryIds = [...new Set(jobs.flat())];
    const started = performance.now();
    const outcomes = await settleBatch(deliveryIds, { pool, outagePause, maxAttempts });
    metrics.batch(deliveryIds.length, performance.now() - started);
    report(outcomes);
    return jobs.map(() => outcomes);
  }

  /** Does not read the delivery, which may be what stops the workers. */
  async function deadLetterDelivery(job: JobInput): Promise<Execution> {
    const outcomes = new Map<string, Outcome>();
    for (const deliveryId of job.deliveryIds) {
      const wasOpen = await outagePause.run(() => deadLetter(pool, deliveryId, stalled(), version));
      outcomes.set(
        deliveryId,
        wasOpen ? { kind: "dead-lettered", deadLetter: stalled() } : { kind: "not-open" },
      );
    }
    report(outcomes);
    return { job, outcomes };
  }

  /** Finds deliveries that were dead-lettered by a worker that crashed before their job ended. */
  async function recallDeadLetters(execution: Execution): Promise<Execution> {
    const { job, outcomes } = execution;
    const notOpen = job.deliveryIds.filter((deliveryId) => outcomes.get(deliveryId)?.kind === "not-open");
    if (notOpen.length === 0) return execution;
    const recalled = new Map(outcomes);
    const found = await outagePause.run(() => findDeadLettered(pool, notOpen));
    for (const [deliveryId, { reason, message }] of found)
      recalled.set(deliveryId, { kind: "dead-lettered", deadLetter: { reason, message, issues: [] } });
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

  function endJob({ job, outcomes }: Execution): JobResult {
    const [deliveryId = ""] = job.deliveryIds;
    return job.single ? jobResult(outcomes.get(deliveryId)) : { kind: "completed" };
  }

  /** So that one delivery cannot take the others of its batch with it. */
  async function splitJob({ deliveryIds }: JobInput): Promise<JobResult> {
    log.warn({ code: "batch-stalled", deliveries: deliveryIds.length }, "batch stalled; splitting it");
    await Promise.all(deliveryIds.map((deliveryId) => queue.enqueueSingle(deliveryId)));
    return { kind: "completed" };
  }

  function report(outcomes: Outcomes): void {
    metrics.settled(outcomes);
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
    }
  }

  /** Turns every error into a result. */
  async function guard(work: () => Promise<JobResult>): Promise<JobResult> {
    try {
      return await work();
    } catch (err) {
      // What is not settled stays open; the sweeper of another worker enqueues it.
      if (err instanceof ShutdownError) return { kind: "completed" };
      log.error({ code: "job-failed", err }, "job failed unexpectedly; retrying");
      return { kind: "retry", error: "failed unexpectedly: see the worker's log", delayMs: RETRY_MS };
    }
  }

  return {
    handle: (job) => guard(() => handle(job)),
    handleStalled: (job) => guard(() => handleStalled(job)),
  };
}

/**
 * Returns how the job of a single delivery ends. BullMQ's failed jobs mirror the dead letters, and its retries are the
 * delivery's attempts; see docs/outcomes.md.
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
