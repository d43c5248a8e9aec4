import { once } from "node:events";
import { createRedisBackend, RedisQueueBackend } from "bullmq";
import { Cluster } from "ioredis";
import {
  plainError,
  type Backend,
  type ConsumerConnection,
  type ProducerConnection,
  type ProducerOptions,
} from "./connection.ts";
import { createClient, type RedisClient } from "./redis-client.ts";
import { parseRedisUrl } from "./redis-url.ts";

/** Errors of a server that answers but cannot write: loading its data, a replica after a failover, full. */
const CANNOT_WRITE = /\b(LOADING|READONLY|MASTERDOWN|MISCONF|NOREPLICAS|OOM)\b/;

/** A result of `reconnectOnError`: reconnect, and send the refused command again instead of rejecting it. */
const RECONNECT_AND_RETRY = 2;

/** Connects a producer. A command that cannot be sent now fails, so that no webhook waits for an unavailable server. */
export function connectRedisProducer(
  redisUrl: string,
  { name, timeoutMs }: ProducerOptions,
): ProducerConnection {
  const client = createClient(parseRedisUrl(redisUrl), {
    connection: {
      connectionName: name,
      commandTimeout: timeoutMs,
      socketTimeout: 5 * timeoutMs,
      maxRetriesPerRequest: 0,
      // After a failover, the address may lead to a server that can write.
      reconnectOnError: (error) => CANNOT_WRITE.test(error.message),
    },
    enableOfflineQueue: false,
    maxRedirections: 16,
    clusterRetryDelayMs: 100,
  });
  let unavailable: Error | undefined;
  client.on("error", (error: unknown) => (unavailable = plainError(error)));
  client.on("close", () => (unavailable ??= new Error("the connection was closed")));
  client.on("ready", () => (unavailable = undefined));
  const mode = watchMode(client);
  const firstReady = once(client, "ready").catch((error: unknown) => {
    throw plainError(error);
  });
  firstReady.catch(() => {}); // `ready` may never be called.

  return {
    backend: redisBackend(client),
    async ready() {
      if (client.status !== "ready") {
        if (unavailable !== undefined) throw new Error(`Redis is unavailable: ${unavailable.message}`);
        await firstReady;
      }
      await mode.check();
    },
    evictionPolicies: () => readEvictionPolicies(client),
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
): ConsumerConnection {
  const client = createClient(parseRedisUrl(redisUrl), {
    connection: {
      connectionName: name,
      // A worker blocks for a job for at most 10 s; a connection that is silent for longer is broken.
      socketTimeout: 15_000,
      maxRetriesPerRequest: null,
      reconnectOnError(error: Error) {
        if (!CANNOT_WRITE.test(error.message)) return false;
        onError(error);
        return RECONNECT_AND_RETRY;
      },
    },
    enableOfflineQueue: true,
    maxRedirections: Infinity,
    clusterRetryDelayMs: 500,
  });
  const mode = watchMode(client);
  return {
    backend(name, options, role) {
      const backend = createRedisBackend(name, { ...options, connection: client }, role);
      // BullMQ stops listening when it closes, and a socket that was frozen reports its timeout after that.
      if (backend instanceof RedisQueueBackend)
        backend.blockingClient
          ?.then((blocking) => blocking.on("error", () => undefined))
          .catch(() => undefined);
      return backend;
    },
    check: mode.check,
    // BullMQ closes only the second connection, which it has opened.
    close: async () => client.disconnect(),
  };
}

function redisBackend(connection: RedisClient): Backend {
  return (name, options, role) => createRedisBackend(name, { ...options, connection }, role);
}

/**
 * Asks the server at each connect what it is. With a URL for a single server, a node of a cluster would refuse each
 * command whose keys another node has. `check` rejects as long as it is such a node, or a Sentinel.
 */
function watchMode(client: RedisClient): { check(): Promise<void> } {
  let checked = Promise.resolve();
  async function checkMode(): Promise<void> {
    // Where the login may not ask, the queue's commands show it.
    const info = await client.info("server").catch(() => "");
    const mode = /^redis_mode:(\S+)/m.exec(info)?.[1];
    if (mode === "cluster")
      throw new Error("it is a node of a Redis Cluster; the URL must begin with redis+cluster://");
    if (mode === "sentinel") throw new Error("it is a Sentinel; the URL must begin with redis+sentinel://");
  }
  if (!(client instanceof Cluster))
    client.on("ready", () => {
      checked = checkMode();
      checked.catch(() => {}); // `check` may never be called.
    });
  return { check: () => checked };
}

/** Returns what the server does, or each master of the cluster, when its memory is full. */
async function readEvictionPolicies(client: RedisClient): Promise<readonly string[]> {
  const masters = client instanceof Cluster ? client.nodes("master") : [client];
  const infos = await Promise.all(masters.map((master) => master.info("memory")));
  return infos.flatMap((info) => /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? []);
}
