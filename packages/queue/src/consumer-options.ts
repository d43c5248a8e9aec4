import type { Backoff } from "./backoff.ts";
import type { JobResult } from "./verdict.ts";

export interface JobInput {
  readonly deliveryIds: readonly string[];
  /** Whether the job is one delivery's own: it shows how that delivery fares. */
  readonly single: boolean;
  /** From 1. */
  readonly attempt: number;
}

export interface ConsumerOptions {
  /** Names the connections to the person who looks at the server's list of clients, such as `dossier-worker`. */
  readonly name: string;
  /** How many jobs are processed at the same time. More fill bigger transactions; fewer leave more to other workers. */
  readonly concurrency: number;
  /**
   * Decides over a job that stalled more than `maxStalledCount` times, instead of the processor: the job
   * may be what kills its workers. The verdict ends the job as any other does.
   */
  readonly handleStalled: (work: JobInput) => Promise<JobResult>;
  /** Told of every trouble with the connection and of jobs that were lost to another worker; both mend by themselves. */
  readonly onError: (error: Error) => void;
  /**
   * How long a job stays a dead worker's, in milliseconds; a living one renews it in time.
   * Shorter recovers sooner from a crash; longer bears longer pauses of a process. Default 30,000.
   */
  readonly lockDurationMs?: number;
  /** How often stalled jobs are looked for, in milliseconds; one is found at the second look. Default 15,000. */
  readonly stalledIntervalMs?: number;
  /** How often a job may stall before it is given up. Fewer spare the workers; more spare innocent jobs. Default 3. */
  readonly maxStalledCount?: number;
  /** Default `DEFAULT_BACKOFF`. */
  readonly backoff?: Backoff;
}
