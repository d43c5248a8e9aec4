import { stalled, type Outcome, type Outcomes } from "@dossier/events";
import type { DeliveryQueue, JobInput, JobResult } from "@dossier/queue";
import { groupCommit, version, type Logger } from "@dossier/service";
import { deadLetter, findDeadLettered, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";
import { ShutdownError, type OutagePause } from "./outage-pause.ts";
import { settleBatch } from "./settle-batch.ts";

/** Deliveries in one transaction. More are no faster, and lock more persons for longer. */
const MAX_BATCH = 500;

export interface JobHandlerOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly outagePause: OutagePause;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  readonly maxAttempts: number;
}

export interface JobHandler {
  /** Settles a job's deliveries, in one transaction with those of the jobs beside it. */
  handle(job: JobInput): Promise<JobResult>;
  /** Ends a job that stalled too often: a batch is split, and a single delivery is dead-lettered. */
  handleStalled(job: JobInput): Promise<JobResult>;
}

/** A job and what has become of its deliveries: each step takes one and returns one. */
interface Execution {
  readonly job: JobInput;
  readonly outcomes: Outcomes;
}

export function createJobHandler(options: JobHandlerOptions): JobHandler {
  const { pool, queue, outagePause, metrics, log, maxAttempts } = options;
  const batches = groupCommit(settleJobs, {
    weigh: (deliveryIds: readonly string[]) => deliveryIds.length,
    maxFlush: MAX_BATCH,
    // The queue hands out no more jobs than WORKER_CONCURRENCY, which bounds what waits.
    maxWaiting: Number.POSITIVE_INFINITY,
  });

  async function handle(job: JobInput): Promise<JobResult> {
    return settleDeliveries(job).then(recallDeadLetters).then(giveOwnJobs).then(finish);
  }

  async function handleStalled(job: JobInput): Promise<JobResult> {
    if (!job.single) return splitJob(job);
    return deadLetterDelivery(job).then(recallDeadLetters).then(finish);
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

  async function deadLetterDelivery(job: JobInput): Promise<Execution> {
    const outcomes = new Map<string, Outcome>();
    for (const deliveryId of job.deliveryIds) {
      const letter = stalled();
      const wasOpen = await outagePause.run(() => deadLetter(pool, deliveryId, letter, version));
      outcomes.set(
        deliveryId,
        wasOpen ? { kind: "dead-lettered", deadLetter: letter } : { kind: "not-open" },
      );
    }
    report(outcomes);
    return { job, outcomes };
  }

  /** A delivery that is not open may have been dead-lettered by a worker that was killed before its job ended. */
  async function recallDeadLetters({ job, outcomes }: Execution): Promise<Execution> {
    const notOpen = job.deliveryIds.filter((deliveryId) => outcomes.get(deliveryId)?.kind === "not-open");
    if (notOpen.length === 0) return { job, outcomes };
    const recalled = new Map(outcomes);
    for (const [deliveryId, { reason, message }] of await outagePause.run(() =>
      findDeadLettered(pool, notOpen),
    ))
      recalled.set(deliveryId, { kind: "dead-lettered", deadLetter: { reason, message, issues: [] } });
    return { job, outcomes: recalled };
  }

  /** A delivery of a batch that must be retried, or that failed, leaves it: its own job shows how it fares. */
  async function giveOwnJobs({ job, outcomes }: Execution): Promise<Execution> {
    if (job.single) return { job, outcomes };
    await Promise.all(
      job.deliveryIds.map(async (deliveryId) => {
        const result = jobResult(outcomes.get(deliveryId));
        if (result.kind === "completed") return;
        await enqueueSingle(deliveryId, result.kind === "retry" ? result.delayMs : 0);
      }),
    );
    return { job, outcomes };
  }

  function finish({ job, outcomes }: Execution): JobResult {
    const [deliveryId] = job.deliveryIds;
    return job.single && deliveryId !== undefined
      ? jobResult(outcomes.get(deliveryId))
      : { kind: "completed" };
  }

  /** So that one delivery cannot take the others of its batch with it. */
  async function splitJob({ deliveryIds }: JobInput): Promise<JobResult> {
    log.warn({ code: "batch-stalled", deliveries: deliveryIds.length }, "batch stalled; splitting it");
    await Promise.all(deliveryIds.map((deliveryId) => queue.enqueueSingle(deliveryId)));
    return { kind: "completed" };
  }

  async function enqueueSingle(deliveryId: string, delayMs: number): Promise<void> {
    try {
      await queue.enqueueSingle(deliveryId, { delayMs });
    } catch (err) {
      // Nothing is lost: the sweeper enqueues what is open, and Postgres has what is dead-lettered.
      log.warn({ code: "single-not-enqueued", err, deliveryId }, "delivery not enqueued by itself");
    }
  }

  function report(outcomes: Outcomes): void {
    metrics.settled(outcomes);
    for (const [deliveryId, outcome] of outcomes) {
      switch (outcome.kind) {
        case "failed":
          log.warn(
            { code: "delivery-failed", deliveryId, attempt: outcome.attempt, error: outcome.error },
            "delivery failed; retrying",
          );
          break;
        case "snoozed":
          log.warn(
            { code: "delivery-snoozed", deliveryId, error: outcome.error },
            "delivery snoozed; postgres settles others, but not this one",
          );
          break;
        case "dead-lettered":
          log.warn(
            { code: "delivery-dead-lettered", deliveryId, reason: outcome.deadLetter.reason },
            "delivery dead-lettered",
          );
          break;
        case "applied":
        case "duplicate":
        case "not-open":
      }
    }
  }

  /** The edge: whatever is thrown ends as a result. */
  async function guarded(work: () => Promise<JobResult>): Promise<JobResult> {
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
    handle: (job) => guarded(() => handle(job)),
    handleStalled: (job) => guarded(() => handleStalled(job)),
  };
}

/** The delay before a job is retried that failed by a fault of this code. */
const RETRY_MS = 1_000;

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
    case undefined:
      return { kind: "completed" };
    case "failed":
      return { kind: "retry", error: outcome.error, delayMs: outcome.retryInMs };
    case "dead-lettered":
      return { kind: "failed", error: `${outcome.deadLetter.reason}: ${outcome.deadLetter.message}` };
  }
}
