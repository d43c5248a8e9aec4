import { setTimeout as delay } from "node:timers/promises";
import { Worker, type IQueueBackend, type Job, type JobProgress } from "bullmq";
import { UNUSED_CONNECTION, type Backend } from "./connection.ts";
import { QUEUE_NAME, UNLIMITED, type JobData } from "./job.ts";

const PAUSE_MS = 1_000;

/** The delay before a job is retried that failed by a fault of BullMQ or of the handler, in milliseconds. */
export const RETRY_MS = 1_000;

/** Throw it to have BullMQ run the job again after `delayMs` milliseconds. */
export class RetryError extends Error {
  override readonly name = "RetryError";
  readonly delayMs: number;

  constructor(message: string, delayMs: number) {
    super(message);
    this.delayMs = delayMs;
  }
}

export interface BullmqWorkerOptions {
  readonly name: string;
  readonly prefix: string;
  readonly concurrency: number;
  readonly lockDurationMs: number;
  readonly stalledIntervalMs: number;
  /** The longest wait for a job until the worker asks again, in milliseconds. */
  readonly askIntervalMs: number;
}

/** BullMQ's worker on our queue. It knows whether the queue answers, and pauses after a failed request for a job. */
export class BullmqWorker extends Worker<JobData, void, string, IQueueBackend, JobProgress, unknown> {
  readonly #askIntervalMs: number;
  #sign = false;
  #running = 0;

  constructor(
    processJob: (job: Job<JobData>) => Promise<void>,
    backend: Backend,
    { name, prefix, concurrency, lockDurationMs, stalledIntervalMs, askIntervalMs }: BullmqWorkerOptions,
  ) {
    super(
      QUEUE_NAME,
      (job) => this.#count(processJob, job),
      {
        connection: UNUSED_CONNECTION,
        prefix,
        name,
        autorun: false,
        concurrency,
        lockDuration: lockDurationMs,
        stalledInterval: stalledIntervalMs,
        maxStalledCount: UNLIMITED,
        runRetryDelay: RETRY_MS,
        drainDelay: askIntervalMs / 1_000,
        // A rate limit that somebody set in the queue must not look like its silence.
        maximumRateLimitDelay: askIntervalMs,
        // BullMQ checks the version on the first connection alone. If that check fails, so does every later command.
        skipVersionCheck: true,
        settings: {
          backoffStrategy: (_attempt, _type, error) =>
            error instanceof RetryError ? error.delayMs : RETRY_MS,
        },
      },
      backend,
    );
    this.#askIntervalMs = askIntervalMs;
  }

  /** With delayed jobs in the queue, BullMQ asks less often. */
  override get maximumBlockTimeout(): number {
    return this.#askIntervalMs / 1_000;
  }

  /** Returns whether the queue has answered since the last call; `undefined` if it is not asked, as no slot is free. */
  takeSign(): boolean | undefined {
    if (this.#running >= this.concurrency) return undefined;
    const sign = this.#sign;
    this.#sign = false;
    return sign;
  }

  async #count(processJob: (job: Job<JobData>) => Promise<void>, job: Job<JobData>): Promise<void> {
    this.#sign = true;
    this.#running += 1;
    try {
      await processJob(job);
    } finally {
      this.#running -= 1;
      // The silence begins now, if all slots were in use.
      this.#sign = true;
    }
  }

  /** After an error BullMQ asks again at once, in a loop that can leave no time for anything else. */
  protected override async moveToActive(token: string, name?: string): Promise<Job<JobData, void>> {
    try {
      const job = await super.moveToActive(token, name);
      this.#sign = true;
      return job;
    } catch (error) {
      await delay(PAUSE_MS);
      throw error;
    }
  }

  /** Asks for no more jobs, and stops renewing the locks of running ones, so that other workers take them as stalled. */
  async abandon(): Promise<void> {
    // If it is closing already, this waits for that.
    this.close(true).catch(() => undefined);
    await this.lockManager.close();
    await this.backend.close(true);
  }
}
