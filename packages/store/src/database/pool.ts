import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";

/** A pool of connections to the record. */
export type Pool = pg.Pool;
/** One connection, or a transaction on it: what a statement runs on. */
export type Connection = pg.PoolClient;

export interface PoolOptions {
  /** Shown as `application_name` in `pg_stat_activity`, for the person on call. */
  readonly name: string;
  /** Connections at the most. Each costs Postgres a process of about 10 MB. */
  readonly size: number;
  /**
   * Milliseconds until a statement without an answer is given up, and its connection with it. This is what notices
   * a server that went away without a word. Default 15,000.
   */
  readonly timeoutMs?: number;
}

/**
 * Opens a pool; connections are made when they are first needed. Its connections send statements without waiting
 * for the answer to the one before (pipelining), so a transaction costs as many round trips as it has decisions.
 */
export function openPool(databaseUrl: string, { name, size, timeoutMs = 15_000 }: PoolOptions): Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    application_name: name,
    max: size,
    connectionTimeoutMillis: Math.min(5_000, timeoutMs),
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    // A process that stands still must not hold its locks against the others for long.
    idle_in_transaction_session_timeout: timeoutMs,
    lock_timeout: timeoutMs,
    keepAlive: true,
    pipeline: true,
    types: { getTypeParser },
  });
  // A connection that breaks is replaced, and whoever was using it gets the error from the statement that failed.
  // Both of them tell it once more as an event, which would end the process where nobody hears it.
  pool.on("error", () => undefined);
  pool.on("connect", (connection) => connection.on("error", () => undefined));
  return pool;
}

/** How long a closing pool waits for statements under way, in milliseconds. */
const CLOSE_MS = 2_000;

/**
 * Closes a pool. Where the server has gone silent, statements under way are left to end by the pool's `timeoutMs`:
 * nobody waits for their answers any more.
 */
export async function closePool(pool: Pool): Promise<void> {
  await Promise.race([pool.end(), delay(CLOSE_MS, undefined, { ref: false })]);
}

const { INT8, JSON: JSON_TEXT } = pg.types.builtins;

// Counts of 100 ns outgrow a double, and the log's JSON must be hashed exactly as it is stored.
const getTypeParser: typeof pg.types.getTypeParser = (oid, format) => {
  if (oid === INT8) return BigInt;
  if (oid === JSON_TEXT) return String;
  return pg.types.getTypeParser(oid, format) as unknown;
};
