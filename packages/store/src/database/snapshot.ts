import type { Connection, Pool } from "./pool.ts";

export interface Snapshot extends AsyncDisposable {
  readonly connection: Connection;
}

/**
 * Begins to read one state of the database, whatever is written meanwhile. It may last: the pool's time limits do
 * not hold in it. Ends with the caller's block (`await using`).
 */
export async function openSnapshot(pool: Pool): Promise<Snapshot> {
  const connection = await pool.connect();
  const end = () =>
    connection.query("rollback").then(
      () => connection.release(),
      (broken: Error) => connection.release(broken),
    );
  try {
    await connection.query("begin isolation level repeatable read, read only");
    await connection.query("set local statement_timeout = 0");
    await connection.query("set local lock_timeout = 0");
    await connection.query("set local idle_in_transaction_session_timeout = 0");
  } catch (error) {
    await end();
    throw error;
  }
  return { connection, [Symbol.asyncDispose]: end };
}
