import type { Job, WorkerOptions } from "bullmq";
import { BROUGHT_BY_BACKEND, postgresBackend, redisBackend, type Backend } from "./backend.ts";
import { DEFAULT_BACKOFF, retryDelay } from "./backoff.ts";
import type { ConsumerOptions } from "./consumer-options.ts";
import { KEY_PREFIX, QUEUE_NAME, type JobData } from "./job.ts";
import type { QueueLocation } from "./location.ts";
import { ReconnectingConnection, openPool, RetryingPool } from "./postgres.ts";
import { consumerOptions } from "./redis.ts";
import { RetryError } from "./verdict.ts";
import { WatchedWorker } from "./watched-worker.ts";

/** BullMQ's own limit on stalls, out of the way: it would fail a job without asking anyone. */
const NO_STALL_LIMIT = 2 ** 31 - 1;

/** A worker on either backend, not yet running. */
export function openWorker(
  location: QueueLocation,
  handle: (job: Job<JobData>) => Promise<void>,
  options: ConsumerOptions,
  onError: (error: unknown) => void,
): WatchedWorker {
  const { name, backoff = DEFAULT_BACKOFF } = options;
  const settings: WorkerOptions<unknown> = {
    connection: BROUGHT_BY_BACKEND,
    prefix: KEY_PREFIX,
    name,
    autorun: false,
    concurrency: options.concurrency,
    lockDuration: options.lockDurationMs ?? 30_000,
    stalledInterval: options.stalledIntervalMs ?? 15_000,
    maxStalledCount: NO_STALL_LIMIT,
    runRetryDelay: 1_000,
    // The check runs once, when first connected; failing then, it fails every later command.
    skipVersionCheck: true,
    settings: {
      backoffStrategy: (attempt, _type, error) =>
        (error instanceof RetryError ? error.delayMs : undefined) ??
        retryDelay(attempt, Math.random, backoff),
    },
  };

  return new WatchedWorker(QUEUE_NAME, handle, settings, openBackend(location, name, onError));
}

function openBackend(location: QueueLocation, name: string, onError: (error: unknown) => void): Backend {
  if ("redisUrl" in location) {
    return redisBackend({ url: location.redisUrl, ...consumerOptions(name, onError) });
  }
  const pool = openPool(location.databaseUrl, { name, max: 6, timeoutMs: 15_000 });
  const connection = new ReconnectingConnection(new RetryingPool(pool, onError));
  return postgresBackend(connection, `${QUEUE_NAME}:w:${name}`);
}
