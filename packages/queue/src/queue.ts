import { singleJob, singleJobId, batchJob, type NewJob } from "./job.ts";
import type { QueueLocation } from "./location.ts";
import { openProducer, type DeliveriesQueue } from "./producer.ts";
import { readinessFrom, type Readiness } from "./readiness.ts";
import { within } from "./within.ts";

/** How many deliveries, of many, are dealt with within one time limit. */
const CHUNK = 20;

export interface QueueOptions {
  /** Names the connection to the person who looks at the server's list of clients, such as `dossier-ingest`. */
  readonly name: string;
  /**
   * How often a job is tried before it fails for good.
   * More outlives longer trouble; fewer shows a person sooner. Default 8.
   */
  readonly maxAttempts?: number;
  /**
   * The longest that a call waits for the server, in milliseconds. Longer rides out a hiccup;
   * shorter answers webhooks sooner while the queue is away. Default 1,000.
   */
  readonly timeoutMs?: number;
  /** Told of every trouble with the connection, which is mended by itself. */
  readonly onError: (error: Error) => void;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  readonly completed: number;
}

/**
 * The queue as seen by those who add jobs and look at them. Every call rejects where the server does not
 * answer in time; what was to be done may then have been done all the same, and can safely be done again.
 */
export interface DeliveryQueue {
  readonly backend: "redis" | "postgres";
  /** Adds one job for all of these deliveries; for none, no job. */
  enqueue(deliveryIds: readonly string[]): Promise<void>;
  /**
   * Adds a job for this delivery alone, to be run after `delayMs` (default 0). A job of its own that is
   * yet to run or is running stays as it is; one that completed or failed makes place.
   */
  enqueueSingle(deliveryId: string, options?: { delayMs?: number }): Promise<void>;
  /** Gives each delivery a new job of its own, due now and with all its attempts, unless one is running. */
  redrive(deliveryIds: readonly string[]): Promise<void>;
  /** Drops the job that each delivery has for itself, in whatever state, unless it is running. */
  remove(deliveryIds: readonly string[]): Promise<void>;
  counts(): Promise<JobCounts>;
  /** Whether jobs can be added now. Never rejects, and answers in time. */
  readiness(): Promise<Readiness>;
  /** BullMQ's own object, for bull-board, which draws its page from it. */
  readonly bullmq: DeliveriesQueue;
  close(): Promise<void>;
}

/**
 * Opens the queue; connects in the background, and again whenever the connection is lost.
 * Throws where the location's URL is no such URL.
 */
export function openQueue(
  location: QueueLocation,
  { name, maxAttempts = 8, timeoutMs = 1_000, onError }: QueueOptions,
): DeliveryQueue {
  const producer = openProducer(location, { name, timeoutMs, onError });
  const { queue } = producer;

  const bounded = <T>(doing: string, work: () => Promise<T>): Promise<T> =>
    within(timeoutMs, doing, async (signal) => {
      await producer.ready();
      // Nobody waits for it any more, and those who come back would come all at once.
      signal.throwIfAborted();
      return work();
    });
  const add = ({ name: jobName, data, opts }: NewJob) => queue.add(jobName, data, opts);

  async function inChunks(
    doing: string,
    deliveryIds: readonly string[],
    work: (chunk: readonly string[]) => Promise<unknown>,
  ): Promise<void> {
    for (let start = 0; start < deliveryIds.length; start += CHUNK) {
      const chunk = deliveryIds.slice(start, start + CHUNK);
      await bounded(doing, () => work(chunk));
    }
  }

  const removeSingle = (deliveryIds: readonly string[]) =>
    Promise.all(deliveryIds.map((deliveryId) => queue.remove(singleJobId(deliveryId))));

  const counts = () =>
    bounded("counting the queue's jobs", async () => {
      const found = await queue.getJobCounts("waiting", "active", "delayed", "failed", "completed");
      const { waiting = 0, active = 0, delayed = 0, failed = 0, completed = 0 } = found;
      return { waiting, active, delayed, failed, completed };
    });

  return {
    backend: producer.backend,
    bullmq: queue,
    counts,

    async enqueue(deliveryIds) {
      if (deliveryIds.length === 0) return;
      await bounded("adding a job", () => add(batchJob(deliveryIds, maxAttempts)));
    },

    async enqueueSingle(deliveryId, { delayMs = 0 } = {}) {
      await bounded("adding a delivery's own job", async () => {
        const jobId = singleJobId(deliveryId);
        const state = await queue.getJobState(jobId);
        if (state === "completed" || state === "failed") await queue.remove(jobId);
        await add(singleJob(deliveryId, delayMs, maxAttempts));
      });
    },

    redrive: (deliveryIds) =>
      inChunks("redriving deliveries", deliveryIds, async (chunk) => {
        await removeSingle(chunk);
        // Not addBulk: on Postgres, that needs the right to create a sequence.
        await Promise.all(chunk.map((deliveryId) => add(singleJob(deliveryId, 0, maxAttempts))));
      }),

    remove: (deliveryIds) => inChunks("removing deliveries' own jobs", deliveryIds, removeSingle),

    readiness: () => readinessFrom(counts()),
    close: () => producer.close(),
  };
}
