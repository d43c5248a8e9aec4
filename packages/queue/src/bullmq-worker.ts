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
}

/** BullMQ's worker on our queue. It knows when the queue last answered, and pauses after a failed request for a job. */
export class BullmqWorker extends Worker<JobData, void, string, IQueueBackend, JobProgress, unknown> {
  #lastAnswerAt = performance.now();

  constructor(
    processJob: (job: Job<JobData>) => Promise<void>,
    backend: Backend,
    { name, prefix, concurrency, lockDurationMs, stalledIntervalMs }: BullmqWorkerOptions,
  ) {
    super(
      QUEUE_NAME,
      processJob,
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
        // BullMQ checks the version on the first connection alone. If that check fails, so does every later command.
        skipVersionCheck: true,
        settings: {
          backoffStrategy: (_attempt, _type, error) =>
            error instanceof RetryError ? error.delayMs : RETRY_MS,
        },
      },
      backend,
    );
  }

  /** The time since the queue last answered a request for a job, in milliseconds. */
  get silentForMs(): number {
    return performance.now() - this.#lastAnswerAt;
  }

  /** After an error BullMQ asks again at once, in a loop that can leave no time for anything else. */
  protected override async moveToActive(token: string, name?: string): Promise<Job<JobData, void>> {
    try {
      const job = await super.moveToActive(token, name);
      this.#lastAnswerAt = performance.now();
      return job;
    } catch (error) {
      await delay(PAUSE_MS);
      throw error;
    }
  }

  /** Stops renewing the locks of running jobs, so that other workers take them as stalled. */
  async abandonJobs(): Promise<void> {
    await this.lockManager.close();
    await this.backend.close(true);
  }
}
