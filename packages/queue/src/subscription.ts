import type { Job } from "bullmq";
import pTimeout from "p-timeout";
import { BullmqWorker, type BullmqWorkerOptions } from "./bullmq-worker.ts";
import { plainError, readPrefix, type QueueLocation } from "./connection.ts";
import type { JobData } from "./job.ts";
import { connectPostgresConsumer } from "./postgres.ts";
import { connectRedisConsumer } from "./redis.ts";

const PROBE_TIMEOUT_MS = 1_000;

export interface SubscriptionOptions extends Omit<BullmqWorkerOptions, "prefix"> {
  readonly isRetryable: (error: unknown) => boolean;
  readonly onError: (error: unknown) => void;
}

/** BullMQ's worker with a connection of its own. */
export interface Subscription {
  /** Whether the queue has answered since the last call; `undefined` if nothing is asked of it now. */
  takeSign(): boolean | undefined;
  /** Resolves if the queue answers within a second, and rejects with the reason if not. */
  check(): Promise<void>;
  /** Takes no more jobs. Resolves once the queue has acknowledged the end of all; waits for it without limit. */
  drain(): Promise<void>;
  /** Closes the connection. Other consumers take over the jobs that have not ended: their locks are no longer renewed. */
  abandon(): Promise<void>;
}

/** Connects in the background, and begins to take jobs. */
export function subscribe(
  location: QueueLocation,
  processJob: (job: Job<JobData>) => Promise<void>,
  { isRetryable, onError, ...options }: SubscriptionOptions,
): Subscription {
  const { name } = options;
  let worker: BullmqWorker | undefined;
  let state: "starting" | "running" | "stopped" | "closing" | "abandoned" = "starting";
  const report = (error: unknown) => {
    if (state !== "abandoned") onError(error);
  };
  const connection =
    "redisUrl" in location
      ? connectRedisConsumer(location.redisUrl, name, report)
      : connectPostgresConsumer(location.databaseUrl, { name, isRetryable, onError: report });
  let probe: Promise<unknown> | undefined;

  run().catch((error: unknown) => {
    report(error);
    stop();
  });

  function stop(): void {
    if (state === "starting" || state === "running") state = "stopped";
  }

  async function run(): Promise<void> {
    const prefix = await readPrefix(location);
    if (state !== "starting") return;
    worker = new BullmqWorker(processJob, connection.backend, { ...options, prefix });
    worker.on("error", report);
    state = "running";
    await worker.run();
    stop();
  }

  return {
    takeSign() {
      // The installation's id is in Postgres, whose outage is no silence of the queue.
      if (state === "starting") return undefined;
      return state === "running" ? worker?.takeSign() : false;
    },
    async check() {
      await connection.check();
      if (worker === undefined) throw new Error("the installation's id is not known yet");
      if (state !== "running") throw new Error("the consumer has stopped");
      // Shared, because a command of a worker waits as long as the server is unavailable.
      probe ??= worker
        .getBackend()
        .isMaxed()
        .finally(() => (probe = undefined));
      const message = `asking the queue: no answer within ${PROBE_TIMEOUT_MS} ms`;
      await pTimeout(probe, { milliseconds: PROBE_TIMEOUT_MS, message }).catch((error: unknown) => {
        throw plainError(error);
      });
    },
    async drain() {
      state = "closing";
      await worker?.close();
    },
    async abandon() {
      state = "abandoned";
      await Promise.all([worker?.abandon(), connection.close()]);
    },
  };
}
