import pg from "pg";
import { isOutage } from "./outage.ts";
import type { Connection, Pool } from "./pool.ts";

// Statements must see what others have committed, whatever the database's default is.
const BEGIN = "begin isolation level read committed";

/**
 * Runs `work` in one transaction (read committed): commits when it resolves, rolls back when it throws. After an outage
 * the connection is closed: it may lead to a server that no longer takes writes.
 */
export async function transaction<T>(pool: Pool, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  try {
    // Not awaited first: `begin` is sent together with the first statements.
    const [begun, done] = await Promise.allSettled([connection.query(BEGIN), work(connection)]);
    if (begun.status === "rejected") throw begun.reason;
    if (done.status === "rejected") throw done.reason;
    await connection.query("commit");
    connection.release();
    return done.value;
  } catch (error) {
    const isLost = isOutage(error);
    // Not closed at once if the server answers: it releases the locks after the error, and a retry would meet them.
    if (!isLost || error instanceof pg.DatabaseError) await rollBack(connection, { close: isLost });
    else connection.release(true);
    throw error;
  }
}

/** Its time limit, in milliseconds, is for a server that falls silent: there is nothing to do but release locks. */
const ROLLBACK = { text: "rollback", query_timeout: 5_000 };

/** Ends a transaction without its changes, and returns the connection to its pool or, if asked to, closes it. */
export async function rollBack(connection: Connection, { close = false } = {}): Promise<void> {
  await connection.query(ROLLBACK).then(
    () => connection.release(close),
    (broken: Error) => connection.release(broken),
  );
}

/**
 * Returns the results of statements that were sent in one transaction without waiting (pipelined), in the order sent.
 * If some fail, throws the error of the first one sent, after all have ended: Postgres refuses every statement after
 * the first error, and the order in which these refusals arrive is random.
 */
export async function awaitAll<const Sent extends readonly unknown[]>(
  sent: Sent,
): Promise<{ [Index in keyof Sent]: Awaited<Sent[Index]> }> {
  const results = await Promise.allSettled(sent);
  const failed = results.find(({ status }) => status === "rejected");
  if (failed?.status === "rejected") throw failed.reason;
  return Promise.all(sent) as Promise<{ [Index in keyof Sent]: Awaited<Sent[Index]> }>;
}
