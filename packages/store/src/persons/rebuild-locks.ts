import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

const lockAppending = statement("lock_appending");
const selectLastAppendId = statement("select_last_append_id");

/** Gives an append id up to which every append is committed: what is read from now on holds them all. */
export async function lastAppendId(connection: Connection, signal: AbortSignal | undefined): Promise<bigint> {
  await lockWithRetries(connection, lockAppending.text, signal);
  const { rows } = await connection.query<{ append_id: bigint }>(selectLastAppendId.text);
  await connection.query(letGo);
  return rows[0]?.append_id ?? 0n;
}

const lockLiveTables = statement("lock_projection");

/**
 * Waits until nobody reads the projection, and lets nobody begin. From then on nobody appends either, since who
 * appends has read the persons before.
 *
 * @param beforeRetry what to do before each further attempt
 */
export function lockProjection(
  connection: Connection,
  signal: AbortSignal | undefined,
  beforeRetry: () => Promise<unknown>,
): Promise<void> {
  return lockWithRetries(connection, lockLiveTables.text, signal, beforeRetry);
}

// Everyone who comes after a waiting lock waits, too: so it waits briefly, and lets the others pass in between.
const WAIT_SECONDS = 2;
const PAUSE_MS = 1_000;
const ATTEMPTS = 100;

const letGo = "rollback to savepoint locking; release savepoint locking";

/** Leaves a savepoint, `locking`, from before the lock. */
async function lockWithRetries(
  connection: Connection,
  lock: string,
  signal: AbortSignal | undefined,
  beforeRetry?: () => Promise<unknown>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted();
    try {
      await connection.query("savepoint locking");
      await connection.query(`set local lock_timeout = '${WAIT_SECONDS}s'`);
      await connection.query(lock);
      return;
    } catch (error) {
      if (!isLockedByOthers(error)) throw error;
      await connection.query(letGo);
      if (attempt === ATTEMPTS)
        throw new Error(
          `gave up after ${ATTEMPTS} attempts of ${WAIT_SECONDS} s to ${lock.trim().replace(/^--.*\n/gm, "")}: ` +
            "see pg_locks for the transaction that holds it, end that, and try again",
          { cause: error },
        );
      // What it is given up with is the signal's own reason, as everywhere else.
      await pause(PAUSE_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
      await beforeRetry?.();
    }
  }
}

function isLockedByOthers(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "55P03" || error.code === "40P01");
}
