import { Cluster, Redis, type CommonRedisOptions } from "ioredis";
import type { RedisUrl } from "./redis-url.ts";

export type RedisClient = Redis | Cluster;

/** What the clients of producers and of consumers have each their own of. */
export interface ClientOptions {
  /** For every connection. */
  readonly connection: Pick<
    CommonRedisOptions,
    "connectionName" | "commandTimeout" | "socketTimeout" | "maxRetriesPerRequest" | "reconnectOnError"
  >;
  /** Whether commands wait while there is no connection. */
  readonly enableOfflineQueue: boolean;
  /** How often a command is sent again, to whichever node of the cluster it belongs to then. */
  readonly maxRedirections: number;
  /** The pause before a cluster without one of its nodes is asked again for its nodes, in milliseconds. */
  readonly clusterRetryDelayMs: number;
}

/** How long a node or a Sentinel may take to say where the masters are, in milliseconds. */
const TOPOLOGY_TIMEOUT_MS = 2_000;

/** How often a cluster is asked for its nodes even if no command fails, in milliseconds. */
const TOPOLOGY_INTERVAL_MS = 10_000;

/**
 * BullMQ replaces the default of ioredis with waits of up to 20 s. This package imports nothing of ours, and the pauses
 * of a client's reconnects are an option of that client.
 */
const retryStrategy = (times: number) => Math.min(100 * times, 2_000) + 200 * Math.random();

/** Creates a client, which connects in the background, and reconnects whenever the connection is lost. */
export function createClient(url: RedisUrl, options: ClientOptions): RedisClient {
  const client = url.kind === "cluster" ? createCluster(url, options) : createRedis(url, options);
  // Those that use the client listen too, but not before they begin, nor after they end.
  client.on("error", () => undefined);
  return client;
}

function createRedis(url: RedisUrl, { connection, enableOfflineQueue }: ClientOptions): Redis {
  const [address] = url.addresses;
  return new Redis({
    ...connectionOptions(url, connection),
    ...(url.kind === "server" ? address : sentinelOptions(url)),
    db: url.database,
    enableOfflineQueue,
    retryStrategy,
  });
}

function createCluster(url: RedisUrl, options: ClientOptions): Cluster {
  const { enableOfflineQueue, maxRedirections, clusterRetryDelayMs } = options;
  return new Cluster([...url.addresses], {
    redisOptions: connectionOptions(url, options.connection),
    enableOfflineQueue,
    maxRedirections,
    clusterRetryStrategy: retryStrategy,
    retryDelayOnFailover: clusterRetryDelayMs,
    retryDelayOnClusterDown: clusterRetryDelayMs,
    slotsRefreshTimeout: TOPOLOGY_TIMEOUT_MS,
    slotsRefreshInterval: TOPOLOGY_INTERVAL_MS,
    // Names are resolved at each connect. A name resolved beforehand would be missing when TLS checks the certificate.
    dnsLookup: (host, callback) => callback(null, host),
  });
}

function connectionOptions({ tls, login }: RedisUrl, options: ClientOptions["connection"]) {
  return {
    connectTimeout: 5_000,
    // TCP finds a peer that has vanished, even if no command is waiting for it.
    keepAlive: 10_000,
    ...login,
    ...(tls && { tls: {} }),
    // It sends a command that only Redis 7.2 and later know, and that no user needs the right to.
    disableClientInfo: true,
    ...options,
  };
}

function sentinelOptions({ tls, addresses, master, sentinelLogin }: RedisUrl) {
  return {
    sentinels: [...addresses],
    name: master,
    ...(sentinelLogin.username !== undefined && { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password !== undefined && { sentinelPassword: sentinelLogin.password }),
    sentinelCommandTimeout: TOPOLOGY_TIMEOUT_MS,
    sentinelRetryStrategy: retryStrategy,
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
  };
}
