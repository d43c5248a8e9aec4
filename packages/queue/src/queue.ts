import { Queue, type IQueueBackend } from "bullmq";
import pTimeout from "p-timeout";
import {
  checkLocation,
  plainError,
  readPrefix,
  UNUSED_CONNECTION,
  type QueueLocation,
} from "./connection.ts";
import {
  batchJob,
  KEEP_FAILED,
  parseJobData,
  QUEUE_NAME,
  singleJob,
  singleJobId,
  type JobData,
  type Kept,
  type NewJob,
} from "./job.ts";
import { connectPostgresProducer } from "./postgres.ts";
import { connectRedisProducer } from "./redis.ts";

/** Deliveries of a long list that share one time limit. */
const CHUNK = 20;

export interface QueueOptions {
  /** The connection's name in the server's list of clients, such as `dossier-ingest`. */
  readonly name: string;
  /**
   * The longest time that a call waits for the server, in milliseconds. A longer one tolerates a slow server; a shorter one
   * answers webhooks sooner while the queue is unavailable. Default 1,000.
   */
  readonly timeoutMs?: number;
  /** Tests cannot wait for as many failed jobs as the default, `KEEP_FAILED`, keeps. */
  readonly keepFailed?: Kept;
  /** Called with every error of the connection, which reconnects by itself. */
  readonly onError: (error: Error) => void;
}

export interface JobCounts {
  readonly waiting: number;
  readonly active: number;
  readonly delayed: number;
  readonly failed: number;
  readonly completed: number;
}

/** A job that failed. Its reason quotes no personal data. */
export interface FailedJob {
  readonly deliveryIds: readonly string[];
  readonly reason: string;
  /** In ISO 8601. */
  readonly failedAt: string | undefined;
}

export type BullmqQueue = Queue<JobData, void, string, JobData, void, string, IQueueBackend, unknown>;

/**
 * The queue, for adding jobs and looking at them. Every call rejects if the server does not answer in time; it may have
 * had its effect all the same, and can be repeated.
 */
export interface DeliveryQueue {
  readonly backend: "redis" | "postgres";
  /** Adds one job for all of these deliveries. For none, it adds no job. */
  enqueue(deliveryIds: readonly string[]): Promise<void>;
  /**
   * Adds a job for this delivery alone, which runs after `delayMs` milliseconds (default 0). It replaces such a job that
   * has completed or failed. If there is one that waits or runs, nothing changes.
   */
  enqueueSingle(deliveryId: string, options?: { delayMs?: number }): Promise<void>;
  /** Adds a job for each delivery alone, without a delay. It replaces such a job, unless that one is running. */
  replaceSingles(deliveryIds: readonly string[]): Promise<void>;
  /** Removes the job that each delivery has for itself, in any state, unless it is running. */
  remove(deliveryIds: readonly string[]): Promise<void>;
  counts(): Promise<JobCounts>;
  /** Returns the jobs that failed last, at most `limit`. The queue keeps the last 1,000, for 30 days. */
  failedJobs(limit: number): Promise<readonly FailedJob[]>;
  /**
   * Returns the `maxmemory-policy` with which the server, or a master of the cluster, may remove jobs when its memory is
   * full; `undefined` if none does. Nothing is lost then, as the sweeper enqueues them again; but later.
   */
  findEviction(): Promise<string | undefined>;
  /**
   * Removes what keeps all consumers from taking jobs and is no part of this program: a pause, a global concurrency, a
   * global rate limit. Returns what there was.
   */
  removeLimits(): Promise<readonly string[]>;
  /** Returns BullMQ's queue, for bull-board. Rejects as long as the installation's id cannot be read. */
  bullmq(): Promise<BullmqQueue>;
  close(): Promise<void>;
}

/**
 * Opens the queue. It connects in the background, and reconnects whenever the connection is lost. Throws if the
 * location is not a URL of Redis or Postgres.
 */
export function openQueue(
  location: QueueLocation,
  { name, timeoutMs = 1_000, keepFailed = KEEP_FAILED, onError }: QueueOptions,
): DeliveryQueue {
  checkLocation(location);
  const connection =
    "redisUrl" in location
      ? connectRedisProducer(location.redisUrl, { name, timeoutMs })
      : connectPostgresProducer(location.databaseUrl, { name, timeoutMs });
  let opening: Promise<BullmqQueue> | undefined;
  void open();

  function open(): Promise<BullmqQueue> {
    opening ??= readPrefix(location).then(createQueue);
    opening.catch(() => (opening = undefined));
    return opening;
  }

  function createQueue(prefix: string): BullmqQueue {
    const queue: BullmqQueue = new Queue(
      QUEUE_NAME,
      {
        connection: UNUSED_CONNECTION,
        prefix,
        // BullMQ checks the version on the first connection alone. If that check fails, so does every later command.
        skipVersionCheck: true,
      },
      connection.backend,
    );
    queue.on("error", (error) => onError(plainError(error)));
    return queue;
  }

  async function bounded<T>(doing: string, work: (queue: BullmqQueue) => Promise<T>): Promise<T> {
    const waitsUntil = performance.now() + timeoutMs;
    // Made only if it is needed: with a stack for each call, an error was 4 % of what ingest costs.
    const tooLate = () => new Error(`${doing}: no answer within ${timeoutMs} ms`);
    const run = async () => {
      await connection.ready();
      const queue = await open();
      // Its caller has failed already; after an outage, all such calls would run at the same time.
      if (performance.now() > waitsUntil) throw tooLate();
      return work(queue);
    };
    const fallback = () => {
      throw tooLate();
    };
    return pTimeout(run(), { milliseconds: timeoutMs, fallback });
  }

  async function inChunks(
    doing: string,
    deliveryIds: readonly string[],
    work: (queue: BullmqQueue, chunk: readonly string[]) => Promise<unknown>,
  ): Promise<void> {
    for (let start = 0; start < deliveryIds.length; start += CHUNK)
      await bounded(doing, (queue) => work(queue, deliveryIds.slice(start, start + CHUNK)));
  }

  const add = (queue: BullmqQueue, { name: jobName, data, opts }: NewJob) => queue.add(jobName, data, opts);
  const findSingle = (queue: BullmqQueue, deliveryId: string) => queue.getJob(singleJobId(deliveryId));
  /** Not without looking: Redis would search all waiting jobs for one that is not there. */
  const removeSingle = async (queue: BullmqQueue, deliveryId: string) => {
    if ((await findSingle(queue, deliveryId)) !== undefined) await queue.remove(singleJobId(deliveryId));
  };

  return {
    backend: "redisUrl" in location ? "redis" : "postgres",
    bullmq: open,

    async enqueue(deliveryIds) {
      if (deliveryIds.length === 0) return;
      await bounded("adding a job", (queue) => add(queue, batchJob(deliveryIds, keepFailed)));
    },

    enqueueSingle: (deliveryId, { delayMs = 0 } = {}) =>
      bounded("adding a delivery's job", async (queue) => {
        // Not by its state: for that, Redis searches all waiting jobs.
        const job = await findSingle(queue, deliveryId);
        if (job?.finishedOn !== undefined) await queue.remove(singleJobId(deliveryId));
        await add(queue, singleJob(deliveryId, delayMs, keepFailed));
      }),

    replaceSingles: (deliveryIds) =>
      inChunks("redriving deliveries", deliveryIds, async (queue, chunk) => {
        await Promise.all(chunk.map((deliveryId) => removeSingle(queue, deliveryId)));
        // Not `addBulk`, which on Postgres needs the right to create a sequence.
        await Promise.all(chunk.map((deliveryId) => add(queue, singleJob(deliveryId, 0, keepFailed))));
      }),

    remove: (deliveryIds) =>
      inChunks("removing deliveries' jobs", deliveryIds, (queue, chunk) =>
        Promise.all(chunk.map((deliveryId) => removeSingle(queue, deliveryId))),
      ),

    counts: () =>
      bounded("counting the queue's jobs", async (queue) => {
        const counts = await queue.getJobCounts("waiting", "active", "delayed", "failed", "completed");
        const { waiting = 0, active = 0, delayed = 0, failed = 0, completed = 0 } = counts;
        return { waiting, active, delayed, failed, completed };
      }),

    failedJobs: (limit) =>
      bounded("reading the queue's failed jobs", async (queue) => {
        const jobs = await queue.getFailed(0, limit - 1);
        return jobs.map(({ data, failedReason, finishedOn }) => ({
          deliveryIds: parseJobData(data) ?? [],
          reason: failedReason,
          failedAt: finishedOn === undefined ? undefined : new Date(finishedOn).toISOString(),
        }));
      }),

    findEviction: () =>
      bounded("asking for the queue's memory policy", async () => {
        const policies = await connection.evictionPolicies();
        return policies.find((policy) => policy !== "noeviction");
      }),

    removeLimits: () =>
      bounded("removing the queue's limits", async (queue) => {
        const { paused, concurrency, max, duration } = await queue.getMeta();
        const limits: string[] = [];
        if (paused === true) limits.push("paused");
        if (concurrency !== undefined) limits.push("concurrency");
        if (max !== undefined || duration !== undefined) limits.push("rate-limit");
        if (limits.includes("paused")) await queue.resume();
        if (limits.includes("concurrency")) await queue.removeGlobalConcurrency();
        if (limits.includes("rate-limit")) await queue.removeGlobalRateLimit();
        return limits;
      }),

    async close() {
      await opening?.then((queue) => queue.close()).catch(() => undefined);
      await connection.close();
    },
  };
}
