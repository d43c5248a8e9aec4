import { err, ok, type Result } from "@dossier/events";
import pg from "pg";
import type { Connection, Pool } from "./pool.ts";

const REFUSED =
  "DATABASE_URL leads to a pooler, such as PgBouncer, in transaction or statement mode, which breaks prepared statements, " +
  "settings and notifications: use its session mode (pool_mode = session), or Postgres itself.";

/**
 * Checks that a connection keeps its session of the server. Needs two connections of the pool.
 *
 * @returns an error if a pooler gives each transaction, or each statement, any session
 */
export async function checkSessions(pool: Pool): Promise<Result<void, string>> {
  const connections: Connection[] = [];
  let broken = true;
  try {
    const one = await pool.connect();
    connections.push(one);
    const other = await pool.connect();
    connections.push(other);
    const shared = await shareSessions(one, other);
    broken = false;
    return shared ? err(REFUSED) : ok(undefined);
  } catch (error) {
    if (isStatementMode(error)) return err(REFUSED);
    throw error;
  } finally {
    for (const connection of connections) connection.release(broken);
  }
}

/** In between, other clients of a pooler may take the session that a check expects. */
const ATTEMPTS = 5;

async function shareSessions(one: Connection, other: Connection): Promise<boolean> {
  const first = await selectSession(one);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    // An open transaction keeps its session. If it is the first connection's, that one is given another.
    await other.query("begin");
    const shared = (await selectSession(other)) === first || (await selectSession(one)) !== first;
    await other.query("rollback");
    if (shared) return true;
  }
  return false;
}

/** PgBouncer refuses every transaction then. Its errors have one SQLSTATE for all. */
function isStatementMode(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.message.includes("statement pooling mode");
}

async function selectSession(connection: Connection): Promise<number | undefined> {
  const { rows } = await connection.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid;
}
