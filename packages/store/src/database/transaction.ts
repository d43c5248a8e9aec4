import type { Connection, Pool } from "./pool.ts";

/**
 * Runs `work` in one transaction (read committed): committed when it resolves, rolled back when it throws. A
 * connection that cannot even roll back is not used again.
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
    await connection.query("rollback").then(
      () => connection.release(),
      (broken: Error) => connection.release(broken),
    );
    throw error;
  }
}
