import type { RedisOptions } from "ioredis";

const RECONNECT_LEAST_MS = 200;
const RECONNECT_MOST_MS = 2_000;

/** Answers of a server that is there but cannot write: loading its data, a replica after a failover, full. */
const CANNOT_WRITE = /\b(LOADING|READONLY|MASTERDOWN|MISCONF|NOREPLICAS|OOM)\b/;

/** To ioredis: reconnect, and then send the command that was refused again, instead of rejecting it. */
const AND_SEND_AGAIN = 2;

/** What every connection to Redis has; it never gives up connecting. */
const common = {
  connectTimeout: 5_000,
  // TCP finds a peer that vanished, even where no command is waiting for it.
  keepAlive: 10_000,
  retryStrategy: (times) => Math.min(RECONNECT_LEAST_MS * 2 ** (times - 1), RECONNECT_MOST_MS),
} satisfies RedisOptions;

/**
 * For those who add jobs: a command fails, within `timeoutMs`, rather than wait for a server that is away.
 * Postgres has the deliveries, and holding their senders up would help nobody.
 */
export function producerOptions(connectionName: string, timeoutMs: number) {
  return {
    ...common,
    connectionName,
    commandTimeout: timeoutMs,
    socketTimeout: 5 * timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // The address may lead to another server by now, one that can write.
    reconnectOnError: (error) => CANNOT_WRITE.test(error.message),
  } satisfies RedisOptions;
}

/**
 * For workers: commands wait for the server as long as it takes, and are sent again after a connection
 * is lost, so that an outage fails no job. `onError` is told of commands that were refused and wait.
 */
export function consumerOptions(connectionName: string, onError: (error: Error) => void) {
  return {
    ...common,
    connectionName,
    // Longer than a worker ever blocks for a job (10 s), so that only a dead connection is silent so long.
    socketTimeout: 15_000,
    maxRetriesPerRequest: null,
    reconnectOnError(error) {
      if (!CANNOT_WRITE.test(error.message)) return false;
      onError(error);
      return AND_SEND_AGAIN;
    },
  } satisfies RedisOptions;
}
