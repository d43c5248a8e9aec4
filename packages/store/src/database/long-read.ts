import type { Connection, Pool } from "./pool.ts";
import { rollBack } from "./transaction.ts";

/** For a statement that reads a whole table: a day, in milliseconds, instead of the pool's `timeoutMs`. */
export const LONG_TIMEOUT = { query_timeout: 86_400_000 };

export interface Snapshot extends AsyncDisposable {
  readonly connection: Connection;
}

/**
 * Begins to read one state of the database, whatever is written meanwhile. The pool's time limits do not apply to it.
 * Ends with the caller's block (`await using`).
 */
export function openSnapshot(pool: Pool): Promise<Snapshot> {
  return beginSnapshot(pool);
}

/**
 * Begins to read the same state on another connection, beside the first one. The pool must have a connection for each: with
 * too few, this throws after a time limit.
 */
export async function shareSnapshot(pool: Pool, { connection }: Snapshot): Promise<Snapshot> {
  const { rows } = await connection.query<{ id: string }>("select pg_export_snapshot() as id");
  return beginSnapshot(pool, rows[0]?.id);
}

/** @param id of an exported snapshot, whose transaction is open; a new one by default */
async function beginSnapshot(pool: Pool, id?: string): Promise<Snapshot> {
  const connection = await pool.connect();
  try {
    await connection.query("begin isolation level repeatable read, read only");
    if (id !== undefined) await connection.query(`set transaction snapshot '${id}'`);
    await connection.query("set local statement_timeout = 0");
    await connection.query("set local lock_timeout = 0");
    await connection.query("set local idle_in_transaction_session_timeout = 0");
  } catch (error) {
    await rollBack(connection);
    throw error;
  }
  return { connection, [Symbol.asyncDispose]: () => rollBack(connection) };
}

/**
 * Reads a query's rows in their order, `size` at a time, so that memory does not grow with their number. Postgres reads
 * the next batch while the caller works on this one. Must run in a transaction. All rows are as of the first read.
 *
 * @param query `name` must differ from those of the other open cursors of the connection
 */
export async function* readInBatches<R extends object>(
  connection: Connection,
  { name, text, values = [] }: { name: string; text: string; values?: unknown[] },
  size: number,
): AsyncGenerator<readonly R[]> {
  const fetchNext = () => connection.query<R>({ text: `fetch ${size} from ${name}`, ...LONG_TIMEOUT });
  await connection.query({ text: `declare ${name} no scroll cursor for ${text}`, values, ...LONG_TIMEOUT });
  let next = fetchNext();
  try {
    for (;;) {
      const { rows } = await next;
      if (rows.length === 0) break;
      next = fetchNext();
      // An error is thrown where `next` is awaited. Until then it must not count as unhandled.
      next.catch(() => undefined);
      yield rows;
    }
  } finally {
    await Promise.allSettled([next]);
  }
  await connection.query(`close ${name}`);
}
