import { EventEmitter } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import {
  assertSchemaCompatibility,
  DEFAULT_SCHEMA,
  PostgresConnection,
  PostgresQueueBackend,
  runMigrations,
  type PgPool,
  type PgPoolClient,
} from "bullmq";
import pg from "pg";
import {
  checkLocation,
  type Backend,
  type DatabaseUrl,
  type ConsumerConnection,
  type ProducerConnection,
  type ProducerOptions,
} from "./connection.ts";
import { QUEUE_NAME } from "./job.ts";

/** How long a connection is used, as one of the record's: that of a login that was replaced ends by then. */
const LIFETIME_SECONDS = 600;

/** The pause before a statement that failed by an outage is retried, in milliseconds. */
const RETRY_MS = 500;

/**
 * Creates or updates the schema `bullmq`, which the queue needs in a Postgres database, in one transaction. It can be
 * repeated, and run at the same time elsewhere.
 *
 * @param databaseUrl its role needs the right to create a schema
 * @param serviceRoles existing roles that get the right to use the queue, but not to create or drop anything
 */
export async function migrateQueue(databaseUrl: string, serviceRoles: readonly string[] = []): Promise<void> {
  checkLocation({ databaseUrl });
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "dossier migrate queue",
  });
  await client.connect();
  try {
    await runMigrations(client);
    if (serviceRoles.length > 0) await client.query(grants(serviceRoles.map(pg.escapeIdentifier).join()));
  } finally {
    await client.end();
  }
}

/** One transaction, as one query. Every role may run the schema's functions, which use the rights of the caller. */
function grants(roles: string): string {
  return `
    select pg_advisory_xact_lock(hashtext('dossier queue rights'));
    grant usage on schema ${DEFAULT_SCHEMA} to ${roles};
    grant select, insert, update, delete on all tables in schema ${DEFAULT_SCHEMA} to ${roles};
    grant usage on all sequences in schema ${DEFAULT_SCHEMA} to ${roles};
  `;
}

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

interface QueuePoolOptions {
  /** The `application_name` of its connections. */
  readonly name: string;
  /** The most connections. The connection on which a worker waits for jobs is one of them. */
  readonly size: number;
  /** The longest time of a statement, and of a wait for a connection, in milliseconds. */
  readonly timeoutMs: number;
}

function openQueuePool(databaseUrl: DatabaseUrl, { name, size, timeoutMs }: QueuePoolOptions): PgPool {
  const pool = new pg.Pool({
    ...connectTo(databaseUrl),
    maxLifetimeSeconds: LIFETIME_SECONDS,
    application_name: name,
    // BullMQ's statements do not name the schema. A pooler such as PgBouncer refuses it as a startup parameter.
    onConnect: setSearchPath,
    max: size,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  // The two type declarations write the overloads of `on` differently.
  return pool as unknown as PgPool;
}

/** As the record's pool: each connection logs in as the URL says when it is made. */
function connectTo(databaseUrl: DatabaseUrl): Pick<pg.PoolConfig, "connectionString" | "Client"> {
  if (typeof databaseUrl === "string") return { connectionString: databaseUrl };
  const readLogin = databaseUrl;
  class Client extends pg.Client {
    constructor(options?: pg.ClientConfig) {
      super({ ...options, ...readLogin() });
    }
  }
  return { Client };
}

/** The pool waits for it. */
const setSearchPath = (client: pg.ClientBase): unknown => client.query(`set search_path = ${DEFAULT_SCHEMA}`);

/** A pool that retries retryable errors without limit, as ioredis does. `onError` gets the first error of each series. */
class RetryingPool implements PgPool {
  readonly #pool: PgPool;
  readonly #isRetryable: (error: unknown) => boolean;
  readonly #onError: (error: unknown) => void;
  readonly #closing = new AbortController();
  #failing = false;

  constructor(pool: PgPool, isRetryable: (error: unknown) => boolean, onError: (error: unknown) => void) {
    this.#pool = pool;
    this.#isRetryable = isRetryable;
    this.#onError = onError;
  }

  connect() {
    return this.#retry(() => this.#pool.connect());
  }

  query<Row>(text: string, params?: readonly unknown[]) {
    return this.#retry(() => this.#pool.query<Row>(text, params));
  }

  end() {
    this.#closing.abort();
    return this.#pool.end();
  }

  on(event: "error", listener: (error: Error) => void): this;
  on(event: "connect", listener: (client: PgPoolClient) => void): this;
  on(event: string, listener: (subject: never) => void): this {
    this.#pool.on(event as "error", listener as (error: Error) => void);
    return this;
  }

  removeAllListeners(event?: string): this {
    this.#pool.removeAllListeners(event);
    return this;
  }

  async #retry<T>(run: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await run();
        this.#failing = false;
        return result;
      } catch (error) {
        if (!this.#isRetryable(error) || this.#closing.signal.aborted) throw error;
        if (!this.#failing) this.#onError(error);
        this.#failing = true;
        await delay(RETRY_MS, undefined, { signal: this.#closing.signal });
      }
    }
  }
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
