import { setTimeout as delay } from "node:timers/promises";
import {
  assertSchemaCompatibility,
  DEFAULT_SCHEMA,
  PostgresConnection,
  type PgPool,
  type PgPoolClient,
} from "bullmq";
import pg from "pg";

const RETRY_MS = 500;

/** SQLSTATE classes of a server that is away, overloaded, full, or of a transaction that lost a race. */
const OUTAGE_CLASSES = new Set(["08", "25", "40", "53", "57", "58"]);

export interface PostgresOptions {
  /** Shown as `application_name`. */
  readonly name: string;
  /** Connections at most; a worker's listening one is among them. */
  readonly max: number;
  /** Each query, and each wait for a connection, takes at most this long. */
  readonly timeoutMs: number;
}

/** The pool that BullMQ's statements run on: they name no schema, so the connection does. */
export function openPool(databaseUrl: string, { name, max, timeoutMs }: PostgresOptions): PgPool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: name,
    options: `-c search_path=${DEFAULT_SCHEMA}`,
    max,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  // The two type declarations write the overloads of `on` differently.
  return pool as unknown as PgPool;
}

/**
 * A pool whose queries wait for the server as long as it takes, as ioredis's do, so that an outage fails
 * no job. `onOutage` is told once for each outage.
 */
export class RetryingPool implements PgPool {
  readonly #pool: PgPool;
  readonly #onOutage: (error: unknown) => void;
  readonly #closing = new AbortController();
  #away = false;

  constructor(pool: PgPool, onOutage: (error: unknown) => void) {
    this.#pool = pool;
    this.#onOutage = onOutage;
  }

  connect() {
    return this.#outlast(() => this.#pool.connect());
  }

  query<Row>(text: string, params?: readonly unknown[]) {
    return this.#outlast(() => this.#pool.query<Row>(text, params));
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

  async #outlast<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await attempt();
        this.#away = false;
        return result;
      } catch (error) {
        if (!isOutage(error) || this.#closing.signal.aborted) throw error;
        if (!this.#away) this.#onOutage(error);
        this.#away = true;
        await delay(RETRY_MS, undefined, { signal: this.#closing.signal });
      }
    }
  }
}

/** BullMQ's connection, mended in two places where a server that was away once stops a worker for good. */
export class ReconnectingConnection extends PostgresConnection {
  readonly #owned: PgPool;
  #ready: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(pool: PgPool) {
    super(pool);
    this.#owned = pool;
  }

  /** BullMQ keeps the first answer for ever, also where that is an error. */
  override waitUntilReady(): Promise<void> {
    this.#ready ??= assertSchemaCompatibility(this.#owned).then(
      () => undefined,
      (error: unknown) => {
        this.#ready = undefined;
        throw error;
      },
    );
    return this.#ready;
  }

  /**
   * Where TCP keep-alive is on, BullMQ waits up to an hour for a notification; keep-alive takes minutes to
   * find a dead connection, and a proxy in between hides it. Denied, it looks for itself every 10 s.
   */
  override get hasListenClientKeepAlive(): boolean {
    return false;
  }

  override close(): Promise<void> {
    this.#closed ??= super.close().then(() => this.#owned.end());
    return this.#closed;
  }
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true;
  return OUTAGE_CLASSES.has(error.code?.slice(0, 2) ?? "");
}
