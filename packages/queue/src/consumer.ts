import { UnrecoverableError, type Job } from "bullmq";
import pTimeout from "p-timeout";
import { RETRY_MS, RetryError } from "./bullmq-worker.ts";
import { checkLocation, plainError, type QueueLocation } from "./connection.ts";
import { parseJobData, type JobData } from "./job.ts";
import { subscribe, type Subscription } from "./subscription.ts";
import { startWatchdog, type SilenceLimits } from "./watchdog.ts";

/** How often a consumer that has room asks for a job at least, in milliseconds. */
const ASK_INTERVAL_MS = 5_000;

/** Connections find by themselves most of what breaks them, within 15 s; see `connectRedisConsumer`. */
const SILENCE: SilenceLimits = { replaceAfterMs: 20_000, giveUpAfterMs: 60_000 };

const CLOSE_TIMEOUT_MS = 1_000;

/** How long the queue may take to acknowledge the last results when the consumer closes, in milliseconds. */
const ACKNOWLEDGE_TIMEOUT_MS = 5_000;

/** The errors of a server that cannot be reached or cannot write, whoever asks. */
const REFUSED =
  /\b(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MISCONF|NOREPLICAS|OOM)\b|the database system is|too many clients/;

export interface JobInput {
  readonly deliveryIds: readonly string[];
  /** Whether the job is for one delivery alone: then its state and its error show the outcome of that delivery. */
  readonly single: boolean;
  /** Whether a worker that had it stopped responding, as the queue says. Whoever can write to the queue can forge it. */
  readonly stalled: boolean;
}

/** How a job ends, in BullMQ's words. An `error` is stored in the job, so it must hold no personal data. */
export type JobResult =
  | { readonly kind: "completed" }
  /** The job runs again after `delayMs` milliseconds. */
  | { readonly kind: "retry"; readonly error: string; readonly delayMs: number }
  /** The job does not run again. */
  | { readonly kind: "failed"; readonly error: string };

export interface ConsumerOptions {
  /** The connection's name in the server's list of clients, such as `dossier-worker`. */
  readonly name: string;
  /** The jobs that are processed at the same time. More make larger transactions; fewer leave more to other workers. */
  readonly concurrency: number;
  /** Whether a statement that failed with this error is retried. Only the Postgres backend uses it. */
  readonly isRetryable: (error: unknown) => boolean;
  /** Called with every error of the connection, which reconnects, and of each job that another worker has taken over. */
  readonly onError: (error: Error) => void;
  /** Called with the error of a handler that rejected. */
  readonly onHandlerError: (error: unknown) => void;
  /** Called when the queue has not answered for long, and the connection is replaced by a new one. */
  readonly onReplaced?: () => void;
  /**
   * Called when the new connection got no answer either, though nothing refused it: perhaps a new process gets one. If it
   * returns, the connection is replaced once more.
   */
  readonly onGivenUp?: () => void;
  /**
   * How long a job stays locked by a worker that has crashed, in milliseconds; a running one renews the lock in time. A
   * shorter time recovers sooner from a crash; a longer one tolerates longer pauses of a process. Default 30,000.
   */
  readonly lockDurationMs?: number;
  /** The interval of looking for stalled jobs, in milliseconds. The second look finds a job. Default 15,000. */
  readonly stalledIntervalMs?: number;
  /** Tests cannot wait for the default, 5,000. */
  readonly askIntervalMs?: number;
  /** Longer than `askIntervalMs`. Default 20,000 and 60,000. */
  readonly silence?: SilenceLimits;
}

export interface Consumer {
  /** Resolves if jobs can be consumed now, and rejects with the reason if not. Takes at most a second. */
  checkReady(): Promise<void>;
  /** The jobs that it has now. */
  readonly jobs: number;
  /** The time since it last had a job, in milliseconds; 0 while it has one. */
  readonly idleForMs: number;
  /**
   * Takes no more jobs and waits for those in flight. Returns whether all have ended and the queue has acknowledged it.
   * If not so within `timeoutMs`, or the queue is unavailable, other workers take the jobs over.
   */
  close(timeoutMs: number): Promise<boolean>;
}

/**
 * Starts to process jobs. It connects in the background, and reconnects whenever the connection is lost. An outage of the
 * queue's server fails no job. Throws if the location is not a URL of Redis or Postgres.
 *
 * @param handle processes a job. If it rejects, the job is retried; the error goes to `onHandlerError`, not into the job
 */
export function consume(
  location: QueueLocation,
  handle: (job: JobInput) => Promise<JobResult>,
  options: ConsumerOptions,
): Consumer {
  checkLocation(location);
  const { name, concurrency, isRetryable } = options;
  const { lockDurationMs = 30_000, stalledIntervalMs = 15_000 } = options;
  const { askIntervalMs = ASK_INTERVAL_MS, silence = SILENCE } = options;
  let inFlight = 0;
  let idleSince = performance.now();
  let closing: Promise<boolean> | undefined;
  let refused = false;
  const idle = Promise.withResolvers<void>();
  let subscription = connect();
  const watchdog = startWatchdog({ takeSign, replace, giveUp }, silence);

  function connect(): Subscription {
    return subscribe(location, processJob, {
      name,
      concurrency,
      lockDurationMs,
      stalledIntervalMs,
      askIntervalMs,
      isRetryable,
      onError,
    });
  }

  function onError(error: unknown): void {
    const plain = plainError(error);
    refused ||= REFUSED.test(plain.message);
    options.onError(plain);
  }

  function takeSign(): boolean | undefined {
    const sign = subscription.takeSign();
    if (sign) refused = false;
    return sign;
  }

  /** The jobs in flight go on. When they have ended, another consumer takes them over, and finds nothing to do. */
  function replace(): void {
    subscription.abandon().catch(onError);
    refused = false;
    subscription = connect();
    options.onReplaced?.();
  }

  /** A server that refuses connections or writes would refuse those of a new process too. */
  function giveUp(): void {
    if (!refused) options.onGivenUp?.();
  }

  async function processJob(job: Job<JobData>): Promise<void> {
    inFlight += 1;
    try {
      endJob(await handleJob(job));
    } finally {
      inFlight -= 1;
      idleSince = performance.now();
      if (closing && inFlight === 0) idle.resolve();
    }
  }

  async function handleJob(job: Job<JobData>): Promise<JobResult> {
    const deliveryIds = parseJobData(job.data);
    if (deliveryIds === undefined) return { kind: "failed", error: "the job names no deliveries" };
    try {
      return await handle({ deliveryIds, single: job.name === "single", stalled: job.stalledCounter > 0 });
    } catch (error) {
      options.onHandlerError(error);
      // The message of an unexpected error may quote personal data.
      return { kind: "retry", error: "the job handler rejected: see the worker's log", delayMs: RETRY_MS };
    }
  }

  async function checkReady(): Promise<void> {
    if (closing) throw new Error("the consumer is closing");
    await subscription.check();
    if (watchdog.silentForMs >= silence.replaceAfterMs)
      throw new Error(`no answer of the queue for ${Math.round(watchdog.silentForMs / 1_000)} s`);
  }

  async function close(timeoutMs: number): Promise<boolean> {
    watchdog.stop();
    const drained = await drain(timeoutMs);
    await pTimeout(subscription.abandon(), { milliseconds: CLOSE_TIMEOUT_MS }).catch(onError);
    return drained;
  }

  async function drain(timeoutMs: number): Promise<boolean> {
    if (inFlight === 0) idle.resolve();
    const acknowledged = subscription.drain().then(() => true);
    const fallback = () => false;
    return pTimeout(
      // BullMQ waits without limit for an unavailable server.
      idle.promise.then(() => pTimeout(acknowledged, { milliseconds: ACKNOWLEDGE_TIMEOUT_MS, fallback })),
      { milliseconds: timeoutMs, fallback },
    );
  }

  return {
    checkReady,
    get jobs() {
      return inFlight;
    },
    get idleForMs() {
      return inFlight > 0 ? 0 : performance.now() - idleSince;
    },
    close: (timeoutMs) => (closing ??= close(timeoutMs)),
  };
}

/** Ends a job as BullMQ expects: it takes a return as completed, and an error as retried or failed. */
function endJob(result: JobResult): void {
  switch (result.kind) {
    case "completed":
      return;
    case "retry":
      throw new RetryError(result.error, result.delayMs);
    case "failed":
      throw new UnrecoverableError(result.error);
  }
}
