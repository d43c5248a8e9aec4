import { setTimeout as delay } from "node:timers/promises";
import { Worker, type IQueueBackend, type Job, type JobProgress } from "bullmq";
import type { JobData } from "./job.ts";

const PAUSE_MS = 1_000;

/** BullMQ's worker, which tells when it last heard from the queue, and asks with pauses while that fails. */
export class WatchedWorker extends Worker<JobData, void, string, IQueueBackend, JobProgress, unknown> {
  #heardAt = performance.now();

  /** Milliseconds since the queue last answered whether there is a job. */
  get silentForMs(): number {
    return performance.now() - this.#heardAt;
  }

  /** BullMQ asks again at once after an error, in a loop that can leave no time for anything else. */
  protected override async moveToActive(token: string, name?: string): Promise<Job<JobData, void>> {
    try {
      const job = await super.moveToActive(token, name);
      this.#heardAt = performance.now();
      return job;
    } catch (error) {
      await delay(PAUSE_MS);
      throw error;
    }
  }

  /** Lets go of jobs that are still being processed; other workers take them over as stalled. */
  async abandon(): Promise<void> {
    await this.lockManager.close();
    await this.backend.close(true);
  }
}
