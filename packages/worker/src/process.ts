import type { DeliveryQueue, Verdict, Work } from "@dossier/queue";
import type { Logger } from "@dossier/service";
import { version } from "@dossier/service";
import { bury, findDeaths, groupCommit, type Pool } from "@dossier/store";
import type { WorkerMetrics } from "./metrics.ts";
import { verdict, type Outcome, type Outcomes } from "./outcome.ts";
import { Stopping, type Patience } from "./patience.ts";
import { settleBatch } from "./settle-batch.ts";

/** Deliveries in one transaction at the most: more gains nothing, and locks more persons for longer. */
const MAX_BATCH = 500;

const STALLED = "the worker died or stood still each time it took this delivery";

export interface ProcessorOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly patience: Patience;
  readonly metrics: WorkerMetrics;
  readonly log: Logger;
  readonly maxAttempts: number;
}

export interface Processor {
  /** Settles a job's deliveries, together with those of the jobs beside it. */
  process(work: Work): Promise<Verdict>;
  /** Ends a job whose workers kept dying: a batch is split, so that one delivery cannot take others with it. */
  giveUp(work: Work): Promise<Verdict>;
}

export function createProcessor(options: ProcessorOptions): Processor {
  const { pool, queue, patience, metrics, log, maxAttempts } = options;

  const batches = groupCommit(settleJobs, {
    weigh: (deliveryIds: readonly string[]) => deliveryIds.length,
    maxFlush: MAX_BATCH,
    // The queue hands out no more jobs than WORKER_CONCURRENCY: that bounds what waits.
    maxWaiting: Number.POSITIVE_INFINITY,
  });

  async function settleJobs(jobs: readonly (readonly string[])[]): Promise<Outcomes[]> {
    const deliveryIds = [...new Set(jobs.flat())];
    const began = performance.now();
    const outcomes = await settleBatch(deliveryIds, { pool, patience, maxAttempts });
    metrics.batch(deliveryIds.length, performance.now() - began);
    tell(outcomes);
    return jobs.map(() => outcomes);
  }

  async function process({ deliveryIds, alone }: Work): Promise<Verdict> {
    return endOf(deliveryIds, alone, await batches.submit(deliveryIds));
  }

  /** A delivery's own job ends as its delivery does. One that fails leaves its batch, to retry and to end alone. */
  async function endOf(deliveryIds: readonly string[], alone: boolean, outcomes: Outcomes): Promise<Verdict> {
    // Some may have died when this job was run before, by a worker that did not live to say so.
    const deaths = await deathsOf(deliveryIds.filter((id) => outcomes.get(id)?.kind === "not-open"));
    const ends = deliveryIds.map((deliveryId) => ({
      deliveryId,
      end: verdict(outcomes.get(deliveryId), deaths.get(deliveryId)),
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
      if (outcome.kind === "put-off")
        log.warn(
          { deliveryId, error: outcome.error },
          "a delivery is put off: Postgres does other work, but not it",
        );
      if (outcome.kind === "dead")
        log.warn({ deliveryId, reason: outcome.letter.reason }, "a delivery is dead");
    }
  }

  async function deathsOf(deliveryIds: readonly string[]): ReturnType<typeof findDeaths> {
    if (deliveryIds.length === 0) return new Map();
    return patience.wait(() => findDeaths(pool, deliveryIds));
  }

  async function giveOwnJob({ deliveryId, end }: { deliveryId: string; end: Verdict }): Promise<void> {
    if (end.kind === "done") return;
    const delayMs = end.kind === "retry" ? (end.delayMs ?? 0) : 0;
    try {
      await queue.enqueueAlone(deliveryId, { delayMs });
    } catch (err) {
      // What failed is open and due later: the sweeper enqueues it. What is dead is dead in Postgres all the same.
      log.warn({ err, deliveryId }, "the queue did not take the delivery's own job");
    }
  }

  async function giveUp({ deliveryIds, alone }: Work): Promise<Verdict> {
    const [only] = deliveryIds;
    if (!alone || only === undefined) {
      log.warn(
        { deliveries: deliveryIds.length },
        "a job's workers kept dying: its deliveries get jobs of their own",
      );
      await Promise.all(deliveryIds.map((deliveryId) => queue.enqueueAlone(deliveryId)));
      return { kind: "done" };
    }
    const letter = { deliveryId: only, reason: "stalled", message: STALLED, issues: [] } as const;
    const buried = await patience.wait(() => bury(pool, letter, version));
    const outcome: Outcome = buried ? { kind: "dead", letter } : { kind: "not-open" };
    tell(new Map([[only, outcome]]));
    return endOf([only], alone, new Map([[only, outcome]]));
  }

  /** Every job ends in a verdict, also where this code is at fault. */
  async function judged(judge: () => Promise<Verdict>): Promise<Verdict> {
    try {
      return await judge();
    } catch (err) {
      // What was not settled is still open, and the sweeper of a running worker enqueues it.
      if (err instanceof Stopping) return { kind: "done" };
      log.error({ err }, "a job could not be judged; it is tried again");
      return { kind: "retry", error: "it could not be judged: see the worker's log" };
    }
  }

  return {
    process: (work) => judged(() => process(work)),
    giveUp: (work) => judged(() => giveUp(work)),
  };
}
