import { setTimeout as delay } from "node:timers/promises";
import { DEFAULT_SCHEMA, type PgPool, type PgPoolClient } from "bullmq";
import pg from "pg";
import type { DatabaseUrl } from "./connection.ts";

/** How long a connection is used, as one of the record's: that of a login that was replaced ends by then. */
export const LIFETIME_SECONDS = 600;

/** The pause before a statement that failed by an outage is retried, in milliseconds. */
const RETRY_MS = 500;

interface QueuePoolOptions {
  /** The `application_name` of its connections. */
  readonly name: string;
  /** The most connections. The connection on which a worker waits for jobs is one of them. */
  readonly size: number;
  /** The longest time of a statement, and of a wait for a connection, in milliseconds. */
  readonly timeoutMs: number;
}

/** Opens a pool for the schema `bullmq`. */
export function openQueuePool(databaseUrl: DatabaseUrl, { name, size, timeoutMs }: QueuePoolOptions): PgPool {
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
export class RetryingPool implements PgPool {
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
