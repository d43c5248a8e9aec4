import { EventEmitter } from "node:events";
import { assertSchemaCompatibility, PostgresConnection, PostgresQueueBackend } from "bullmq";
import type {
  Backend,
  ConsumerConnection,
  DatabaseUrl,
  ProducerConnection,
  ProducerOptions,
} from "./connection.ts";
import { QUEUE_NAME } from "./job.ts";
import { LIFETIME_SECONDS, openQueuePool, RetryingPool } from "./postgres-pool.ts";

/** Connects a producer. A statement that gets no answer in time fails, so that no webhook waits for it. */
export function connectPostgresProducer(
  databaseUrl: DatabaseUrl,
  { name, timeoutMs }: ProducerOptions,
): ProducerConnection {
  const connection = new PoolConnection(openQueuePool(databaseUrl, { name, size: 4, timeoutMs }));
  return {
    backend: postgresBackend(connection),
    ready: () => connection.waitUntilReady(),
    evictionPolicies: async () => [],
    close: () => connection.close(),
  };
}

export interface PostgresConsumerOptions {
  readonly name: string;
  readonly isRetryable: (error: unknown) => boolean;
  readonly onError: (error: unknown) => void;
}

/** Connects a consumer. Its statements are retried without limit, so that an outage fails no job. */
export function connectPostgresConsumer(
  databaseUrl: DatabaseUrl,
  { name, isRetryable, onError }: PostgresConsumerOptions,
): ConsumerConnection {
  const pool = openQueuePool(databaseUrl, { name, size: 6, timeoutMs: 15_000 });
  const connection = new PoolConnection(new RetryingPool(pool, isRetryable, onError));
  return {
    backend: postgresBackend(connection, `${QUEUE_NAME}:w:${name}`),
    check: async () => undefined,
    close: () => connection.close(),
  };
}

/** @param listenerName the `application_name` of the connection that waits for jobs; by default there is none */
function postgresBackend(connection: PostgresConnection, listenerName?: string): Backend {
  return (name, options) =>
    new PostgresQueueBackend(
      connection,
      name,
      { ...options, connection: connection.pool },
      true,
      listenerName,
    );
}

/** What ends the connection on which a worker waits for jobs, as an error that nobody needs to hear of. */
const EXPIRED = new Error("the connection's lifetime has ended");

/** BullMQ's connection over a pool that it owns, with corrections for the time after an outage, and a lifetime. */
class PoolConnection extends PostgresConnection {
  readonly #listening = new WeakSet<EventEmitter>();
  #ready: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  /** BullMQ keeps the first result for ever, even if it is an error. */
  override waitUntilReady(): Promise<void> {
    this.#ready ??= assertSchemaCompatibility(this.pool).then(
      () => undefined,
      (error: unknown) => {
        this.#ready = undefined;
        throw error;
      },
    );
    return this.#ready;
  }

  /**
   * With TCP keep-alive, BullMQ waits up to an hour for a notification. But keep-alive needs minutes to find a broken
   * connection, and finds none behind a proxy. Without it, BullMQ polls every 10 s.
   */
  override get hasListenClientKeepAlive(): boolean {
    return false;
  }

  /**
   * A worker keeps the connection on which it waits for jobs, so that the pool cannot end it. BullMQ replaces it after an
   * error, and asks for jobs that came meanwhile.
   */
  override async getListenClient() {
    const client = await super.getListenClient();
    if (client instanceof EventEmitter && !this.#listening.has(client)) {
      this.#listening.add(client);
      const expire = () => !this.isClosing && client.emit("error", EXPIRED);
      const timer = setTimeout(expire, LIFETIME_SECONDS * 1_000).unref();
      client.once("end", () => clearTimeout(timer));
    }
    return client;
  }

  override emit(event: string, ...args: unknown[]): boolean {
    return args[0] !== EXPIRED && super.emit(event, ...args);
  }

  override close(): Promise<void> {
    this.#closed ??= super.close().then(() => this.pool.end());
    return this.#closed;
  }
}
