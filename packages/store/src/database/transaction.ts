import { isOutage } from "./outage.ts";
import type { Connection, Pool } from "./pool.ts";

/**
 * Runs `work` in one transaction (read committed): committed when it resolves, rolled back when it throws. After an
 * outage the connection is not used again: it may lead to a server that is no longer the one that takes writes.
 */
export async function transaction<T>(pool: Pool, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await pool.connect();
  try {
    // Not awaited first: `begin` travels with the first statements.
    const [begun, done] = await Promise.allSettled([connection.query("begin"), work(connection)]);
    if (begun.status === "rejected") throw begun.reason;
    if (done.status === "rejected") throw done.reason;
    await connection.query("commit");
    connection.release();
    return done.value;
  } catch (error) {
    if (isOutage(error)) connection.release(true);
    else
      await connection.query("rollback").then(
        () => connection.release(),
        () => connection.release(true),
      );
    throw error;
  }
}
