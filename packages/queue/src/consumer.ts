import { setTimeout as delay } from "node:timers/promises";
import type { Job } from "bullmq";
import type { ConsumerOptions, JobInput } from "./consumer-options.ts";
import { deliveryIdsOf, type JobData } from "./job.ts";
import { checkLocation, type QueueLocation } from "./location.ts";
import { openWorker } from "./open-worker.ts";
import { plainError } from "./plain-error.ts";
import { readinessFrom, type Readiness } from "./readiness.ts";
import { deliver, type JobResult } from "./verdict.ts";
import { within } from "./within.ts";

/** A worker with room asks for a job every 10 s at least; silent for so long, it has stopped consuming. */
const SILENT_TOO_LONG_MS = 30_000;

const PROBE_MS = 1_000;

/** What the queue has, once no job is being processed, to hear of the last verdicts. */
const FAREWELL_MS = 5_000;

/** A running consumer of the queue. */
export interface Consumer {
  readonly backend: "redis" | "postgres";
  /** Jobs being processed now. */
  readonly inFlight: number;
  /** Whether jobs are being consumed now. Never rejects, and answers in time. */
  readiness(): Promise<Readiness>;
  /**
   * Takes no more jobs and waits for those in flight. True when all have ended and the queue knows it;
   * false when not so within `timeoutMs`, or the queue is away: they are let go of, and another worker
   * takes them over.
   */
  close(timeoutMs: number): Promise<boolean>;
}

/**
 * Starts to process jobs; connects in the background, and again whenever the connection is lost.
 * An outage of the queue's server fails no job and uses no attempt.
 * Throws where the location's URL is no such URL.
 *
 * @param process ends in a verdict; one that rejects has used an attempt, like `retry`
 */
export function consume(
  location: QueueLocation,
  process: (work: JobInput) => Promise<JobResult>,
  options: ConsumerOptions,
): Consumer {
  checkLocation(location);
  const { concurrency, handleStalled, maxStalledCount = 3 } = options;
  const onError = (error: unknown) => options.onError(plainError(error));
  let inFlight = 0;
  let closed: Promise<boolean> | undefined;
  const idle = Promise.withResolvers<void>();
  let probe: Promise<unknown> | undefined;

  const worker = openWorker(location, handle, options, onError);
  worker.on("error", onError);
  worker.run().catch(onError);

  async function handle(job: Job<JobData>): Promise<void> {
    inFlight += 1;
    try {
      deliver(await judge(job));
    } finally {
      inFlight -= 1;
      if (closed && inFlight === 0) idle.resolve();
    }
  }

  async function judge(job: Job<JobData>): Promise<JobResult> {
    const deliveryIds = deliveryIdsOf(job.data);
    if (deliveryIds === undefined) return { kind: "failed", error: "the job names no deliveries" };
    const work = { deliveryIds, single: job.name === "single", attempt: job.attemptsMade + 1 };
    try {
      return await (job.stalledCounter > maxStalledCount ? handleStalled(work) : process(work));
    } catch (error) {
      onError(error);
      // Its message was not made for a job, and may quote what was processed.
      return { kind: "retry", error: "the job handler rejected; see the worker's log", delayMs: 1_000 };
    }
  }

  async function consuming(): Promise<void> {
    if (closed) throw new Error("the consumer is closing");
    if (!worker.isRunning()) throw new Error("the consumer has stopped");
    if (inFlight < concurrency && worker.silentForMs > SILENT_TOO_LONG_MS) {
      throw new Error(`no word from the queue for ${Math.round(worker.silentForMs / 1_000)} s`);
    }
    // Shared, because on a worker's connection a question waits for as long as the server is away.
    const answer = (probe ??= worker
      .getBackend()
      .isMaxed()
      .finally(() => (probe = undefined)));
    await within(PROBE_MS, "asking the queue", () => answer);
  }

  async function close(timeoutMs: number): Promise<boolean> {
    if (inFlight === 0) idle.resolve();
    const over = new AbortController();
    const wait = (ms: number) => delay(ms, false, { signal: over.signal });
    const drained = await Promise.race([
      worker.close().then(() => true),
      wait(timeoutMs),
      // BullMQ would wait for a server that is away.
      idle.promise.then(() => wait(FAREWELL_MS)),
    ]).finally(() => over.abort());
    if (!drained) await within(PROBE_MS, "letting go of jobs", () => worker.abandon()).catch(onError);
    return drained;
  }

  return {
    backend: "redisUrl" in location ? "redis" : "postgres",
    get inFlight() {
      return inFlight;
    },
    readiness: () => readinessFrom(consuming()),
    close: (timeoutMs) => (closed ??= close(timeoutMs)),
  };
}
