import pTimeout from "p-timeout";
import pg from "pg";
import type { ReadLogin } from "./login.ts";

/** A pool of connections to the record. */
export type Pool = pg.Pool;
/** One connection of a pool, on which a transaction runs. */
export type Connection = pg.PoolClient;

export interface PoolOptions {
  /** Shown as `application_name` in `pg_stat_activity`, for the person on call. */
  readonly name: string;
  /** The greatest number of connections. Each costs Postgres a process of about 10 MB. */
  readonly size: number;
  /**
   * Milliseconds until a statement without an answer fails, and its connection is closed: so a server that disappears
   * without closing its connections is noticed. Longer than the limit that the login has on the server: that one ends the
   * statement there, too, with its locks. Default: 20,000, for logins with 15 s.
   */
  readonly timeoutMs?: number;
}

/** A URL, or what returns the login of now, which each new connection uses. */
export type DatabaseUrl = string | ReadLogin;

/** How long a connection is used, in seconds: that of a login that was replaced ends by then. */
const LIFETIME_SECONDS = 600;

/**
 * Opens a pool; connections are made when they are first needed. Its connections send statements without waiting for
 * the answer to the one before (pipelining), so a transaction costs as many round trips as it has decisions.
 */
export function openPool(databaseUrl: DatabaseUrl, { name, size, timeoutMs = 20_000 }: PoolOptions): Pool {
  const pool = new pg.Pool({
    ...connectTo(databaseUrl),
    maxLifetimeSeconds: LIFETIME_SECONDS,
    application_name: name,
    max: size,
    connectionTimeoutMillis: Math.min(5_000, timeoutMs),
    query_timeout: timeoutMs,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser },
  });
  // A broken connection is replaced, and its user gets the error from the statement that failed. The client and the
  // pool also emit it as an event, which would end the process if it had no listener.
  pool.on("error", () => undefined);
  pool.on("connect", (connection) => connection.on("error", () => undefined));
  return pool;
}

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

/** The longest wait for running statements when a pool closes, in milliseconds. */
const CLOSE_MS = 2_000;

/** Closes a pool. Does not wait for statements that a silent server never answers: they end by the pool's `timeoutMs`. */
export async function closePool(pool: Pool): Promise<void> {
  await pTimeout(pool.end(), { milliseconds: CLOSE_MS, fallback: () => undefined });
}

const { INT8, JSON: JSON_TEXT } = pg.types.builtins;

// Counts of 100 ns exceed a double's precision, and the log's JSON must be hashed exactly as it is stored.
const getTypeParser: typeof pg.types.getTypeParser = (oid, format) => {
  if (oid === INT8) return BigInt;
  if (oid === JSON_TEXT) return String;
  return pg.types.getTypeParser(oid, format) as unknown;
};
