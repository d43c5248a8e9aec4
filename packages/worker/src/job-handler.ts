import type { DeliveryQueue, JobResult, JobInput } from "@dossier/queue";
import type { Logger } from "@dossier/service";
import { groupCommit, version } from "@dossier/service";
import { deadLetter, findDeadLettered, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";
import { ShutdownError, type OutagePause } from "./outage-pause.ts";
import { jobResult, type Outcome, type Outcomes } from "./outcome.ts";
import { settleBatch } from "./settle-batch.ts";

/** Deliveries in one transaction at the most: more gains nothing, and locks more persons for longer. */
const MAX_BATCH = 500;

const STALLED = "the worker died or stood still each time it took this delivery";

export interface ProcessorOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly outagePause: OutagePause;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  readonly maxAttempts: number;
}

export interface Processor {
  /** Settles a job's deliveries, together with those of the jobs beside it. */
  process(work: JobInput): Promise<JobResult>;
  /** Ends a job whose workers kept dying: a batch is split, so that one delivery cannot take others with it. */
  handleStalled(work: JobInput): Promise<JobResult>;
}

export function createProcessor(options: ProcessorOptions): Processor {
  const { pool, queue, outagePause, metrics, log, maxAttempts } = options;

  const batches = groupCommit(settleJobs, {
    weigh: (deliveryIds: readonly string[]) => deliveryIds.length,
    maxFlush: MAX_BATCH,
    // The queue hands out no more jobs than WORKER_CONCURRENCY: that bounds what waits.
    maxWaiting: Number.POSITIVE_INFINITY,
  });

  async function settleJobs(jobs: readonly (readonly string[])[]): Promise<Outcomes[]> {
    const deliveryIds = [...new Set(jobs.flat())];
    const began = performance.now();
    const outcomes = await settleBatch(deliveryIds, { pool, outagePause, maxAttempts });
    metrics.batch(deliveryIds.length, performance.now() - began);
    tell(outcomes);
    return jobs.map(() => outcomes);
  }

  async function process({ deliveryIds, alone }: JobInput): Promise<JobResult> {
    return endOf(deliveryIds, alone, await batches.submit(deliveryIds));
  }

  /** A delivery's own job ends as its delivery does. One that fails leaves its batch, to retry and to end alone. */
  async function endOf(
    deliveryIds: readonly string[],
    alone: boolean,
    outcomes: Outcomes,
  ): Promise<JobResult> {
    // Some may have died when this job was run before, by a worker that did not live to say so.
    const deaths = await deathsOf(deliveryIds.filter((id) => outcomes.get(id)?.kind === "not-open"));
    const ends = deliveryIds.map((deliveryId) => ({
      deliveryId,
      end: jobResult(outcomes.get(deliveryId), deaths.get(deliveryId)),
    }));
    const [only] = ends;
    if (alone && only !== undefined) return only.end;
    await Promise.all(ends.map(giveOwnJob));
    return { kind: "done" };
  }

  function tell(outcomes: Outcomes): void {
    metrics.ended(outcomes);
    for (const [deliveryId, outcome] of outcomes) {
      if (outcome.kind === "failed")
        log.warn({ deliveryId, error: outcome.error }, "a delivery failed; it is tried again");
      if (outcome.kind === "snoozed")
        log.warn(
          { deliveryId, error: outcome.error },
          "a delivery is put off: Postgres does other work, but not it",
        );
      if (outcome.kind === "dead-lettered")
        log.warn({ deliveryId, reason: outcome.letter.reason }, "a delivery is dead");
    }
  }

  async function deathsOf(deliveryIds: readonly string[]): ReturnType<typeof findDeadLettered> {
    if (deliveryIds.length === 0) return new Map();
    return outagePause.wait(() => findDeadLettered(pool, deliveryIds));
  }

  async function giveOwnJob({ deliveryId, end }: { deliveryId: string; end: JobResult }): Promise<void> {
    if (end.kind === "done") return;
    const delayMs = end.kind === "retry" ? (end.delayMs ?? 0) : 0;
    try {
      await queue.enqueueSingle(deliveryId, { delayMs });
    } catch (err) {
      // What failed is open and due later: the sweeper enqueues it. What is dead is dead in Postgres all the same.
      log.warn({ err, deliveryId }, "the queue did not take the delivery's own job");
    }
  }

  async function handleStalled({ deliveryIds, alone }: JobInput): Promise<JobResult> {
    const [only] = deliveryIds;
    if (!alone || only === undefined) {
      log.warn(
        { deliveries: deliveryIds.length },
        "a job's workers kept dying: its deliveries get jobs of their own",
      );
      await Promise.all(deliveryIds.map((deliveryId) => queue.enqueueSingle(deliveryId)));
      return { kind: "done" };
    }
    const letter = { deliveryId: only, reason: "stalled", message: STALLED, issues: [] } as const;
    const buried = await outagePause.wait(() => deadLetter(pool, letter, version));
    const outcome: Outcome = buried ? { kind: "dead-lettered", letter } : { kind: "not-open" };
    tell(new Map([[only, outcome]]));
    return endOf([only], alone, new Map([[only, outcome]]));
  }

  /** Every job ends in a verdict, also where this code is at fault. */
  async function judged(judge: () => Promise<JobResult>): Promise<JobResult> {
    try {
      return await judge();
    } catch (err) {
      // What was not settled is still open, and the sweeper of a running worker enqueues it.
      if (err instanceof ShutdownError) return { kind: "done" };
      log.error({ err }, "a job could not be judged; it is tried again");
      return { kind: "retry", error: "it could not be judged: see the worker's log" };
    }
  }

  return {
    process: (work) => judged(() => process(work)),
    handleStalled: (work) => judged(() => handleStalled(work)),
  };
}
