import { once } from "node:events";
import { createRedisBackend, type ConnectionOptions } from "bullmq";
import { Redis, type RedisOptions } from "ioredis";
import { plainError, type Backend, type ProducerConnection, type ProducerOptions } from "./connection.ts";

/** Errors of a server that answers but cannot write: loading its data, a replica after a failover, full. */
const CANNOT_WRITE = /\b(LOADING|READONLY|MASTERDOWN|MISCONF|NOREPLICAS|OOM)\b/;

/** A result of `reconnectOnError`: reconnect, and send the refused command again instead of rejecting it. */
const RECONNECT_AND_RETRY = 2;

const common = {
  connectTimeout: 5_000,
  // TCP finds a peer that has vanished, even if no command is waiting for it.
  keepAlive: 10_000,
  // BullMQ replaces the default of ioredis with waits of up to 20 s. This package imports nothing of ours, and the pauses
  // of a client's reconnects are an option of that client.
  retryStrategy: (times) => Math.min(100 * times, 2_000) + 200 * Math.random(),
} satisfies RedisOptions;

/** Connects a producer. A command that cannot be sent now fails, so that no webhook waits for an unavailable server. */
export function connectRedisProducer(
  redisUrl: string,
  { name, timeoutMs }: ProducerOptions,
): ProducerConnection {
  const client = new Redis(redisUrl, {
    ...common,
    connectionName: name,
    commandTimeout: timeoutMs,
    socketTimeout: 5 * timeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // After a failover, the address may lead to a server that can write.
    reconnectOnError: (error) => CANNOT_WRITE.test(error.message),
  });
  let unavailable: Error | undefined;
  client.on("error", (error: unknown) => (unavailable = plainError(error)));
  client.on("close", () => (unavailable ??= new Error("the connection was closed")));
  client.on("ready", () => (unavailable = undefined));
  const firstReady = once(client, "ready").catch((error: unknown) => {
    throw plainError(error);
  });
  firstReady.catch(() => {}); // `ready` may never be called.

  return {
    backend: redisBackend(client),
    async ready() {
      if (client.status === "ready") return;
      if (unavailable !== undefined) throw new Error(`Redis is unavailable: ${unavailable.message}`);
      await firstReady;
    },
    evictionPolicy: async () => /^maxmemory_policy:(\S+)/m.exec(await client.info("memory"))?.[1],
    close: async () => client.disconnect(),
  };
}

/**
 * Connects a consumer. Its commands wait for the server without limit, and are sent again after a lost connection, so
 * that an outage fails no job.
 *
 * @param onError called with the error of each command that was refused and waits
 */
export function connectRedisConsumer(
  redisUrl: string,
  name: string,
  onError: (error: unknown) => void,
): Backend {
  return redisBackend({
    ...common,
    url: redisUrl,
    connectionName: name,
    // A worker blocks for a job for at most 10 s; a connection that is silent for longer is broken.
    socketTimeout: 15_000,
    maxRetriesPerRequest: null,
    reconnectOnError(error: Error) {
      if (!CANNOT_WRITE.test(error.message)) return false;
      onError(error);
      return RECONNECT_AND_RETRY;
    },
  });
}

function redisBackend(connection: ConnectionOptions): Backend {
  return (name, options, role) => createRedisBackend(name, { ...options, connection }, role);
}
