import { setTimeout as delay } from "node:timers/promises";
import { PG_MIGRATE_LOCK_ID } from "node-pg-migrate";
import pg from "pg";
import type { Connection } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { writePersons, type PersonRow } from "./projection.ts";

// The draft is a second copy of the projection's tables, in a schema of its own, created and filled in one transaction.

const selectRights = sqlFile("select_rebuild_rights");
const tryExclusive = sql("lock_rebuild", "select pg_try_advisory_xact_lock($1) as exclusive");
const create = sqlFile("create_draft");

/**
 * Creates an empty draft. Throws if the role lacks a right, and if another rebuild, or a migration, which would change
 * the tables, is running.
 */
export async function createDraft(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{
    role: string;
    database: string;
    owner: string;
    owns: boolean;
    creates: boolean;
  }>(selectRights);
  const [rights] = rows;
  if (rights !== undefined && !(rights.owns && rights.creates))
    throw new Error(
      `role ${rights.role} may not rebuild: that takes the rights of ${rights.owner}, who owns natural_persons, ` +
        `and the right to create a schema in database ${rights.database}; use the URL that migrations use`,
    );
  const exclusive = await connection.query<{ exclusive: boolean }>({
    ...tryExclusive,
    values: [PG_MIGRATE_LOCK_ID],
  });
  if (exclusive.rows[0]?.exclusive !== true)
    throw new Error("another rebuild or a migration is running on this database: wait until it has ended");
  await connection.query(create.text);
}

/** Writes persons into the draft. */
export async function writeDraft(connection: Connection, rows: readonly PersonRow[]): Promise<void> {
  // Only the draft is in the search path: if it were missing, this would fail, and change no live row.
  await Promise.all([
    connection.query("set local search_path = dossier_rebuild"),
    writePersons(connection, rows),
    connection.query("set local search_path to default"),
  ]);
}

interface Marked {
  readonly entityId: string;
}

/** Notes whose state differs from the live one. A person who is folded again may no longer differ. */
export async function markChanged(
  connection: Connection,
  changed: readonly Marked[],
  unchanged: readonly Marked[],
): Promise<void> {
  const idsOf = (persons: readonly Marked[]) => [persons.map(({ entityId }) => entityId)];
  await Promise.all([
    changed.length > 0 &&
      connection.query(
        "insert into dossier_rebuild.changed select unnest($1::text[]) on conflict do nothing",
        idsOf(changed),
      ),
    unchanged.length > 0 &&
      connection.query(
        "delete from dossier_rebuild.changed where entity_id = any ($1::text[])",
        idsOf(unchanged),
      ),
  ]);
}

const recordRebuilt = sqlFile("record_rebuilt_persons");

/** Adds the persons whose state the rebuild changes to the change feed. The caller holds the projection's lock. */
export async function recordRebuiltPersons(connection: Connection): Promise<void> {
  await connection.query(recordRebuilt.text);
}

const complete = sqlFile("complete_draft");

/** Adds what would slow the writing down: the search table's rows, indexes, triggers, statistics. */
export async function completeDraft(connection: Connection): Promise<void> {
  await connection.query(complete.text);
}

const switchTables = sqlFile("switch_to_draft");

/** Puts the draft in the place of the live tables, whose locks the caller holds. */
export async function switchToDraft(connection: Connection): Promise<void> {
  await connection.query(switchTables.text);
}

// A transaction that appends holds a weaker lock from before it draws its append id until it has committed.
const LOCK_APPENDING = "lock table streams in share mode";
const SELECT_LAST_APPEND_ID =
  "select case when is_called then last_value else 0 end as append_id from append_ids";

/** Returns an append id up to which every append has committed: what is read from now on includes all of them. */
export async function findLastAppendId(
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<bigint> {
  await lockWithRetries(connection, LOCK_APPENDING, signal);
  const { rows } = await connection.query<{ append_id: bigint }>(SELECT_LAST_APPEND_ID);
  await connection.query(RELEASE);
  return rows[0]?.append_id ?? 0n;
}

const LOCK_PROJECTION = "lock table natural_persons, person_search in access exclusive mode";

/**
 * Waits until no transaction reads the projection, and lets no other begin to. This also stops appends, as a transaction
 * that appends has read the persons before.
 *
 * @param beforeRetry called before each further attempt
 */
export function lockProjection(
  connection: Connection,
  signal: AbortSignal | undefined,
  beforeRetry: () => Promise<unknown>,
): Promise<void> {
  return lockWithRetries(connection, LOCK_PROJECTION, signal, beforeRetry);
}

// Statements that come after a waiting lock wait too. So it waits for a short time, and lets them pass in between.
const WAIT_SECONDS = 2;
const PAUSE_MS = 1_000;
const ATTEMPTS = 100;

const RELEASE = "rollback to savepoint locking; release savepoint locking";

/** Takes a lock; leaves a savepoint `locking` from before it. */
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
      if (!isLockFailure(error)) throw error;
      await connection.query(RELEASE);
      if (attempt === ATTEMPTS)
        throw new Error(
          `could not ${lock} in ${ATTEMPTS} attempts of ${WAIT_SECONDS} s: ` +
            "find the transaction that holds it in pg_locks, end it, and try again",
          { cause: error },
        );
      // An abort is thrown with the signal's own reason.
      await delay(PAUSE_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
      await beforeRetry?.();
    }
  }
}

/** Lock not available, or deadlock. */
function isLockFailure(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "55P03" || error.code === "40P01");
}
