import { runner } from "node-pg-migrate";
import type { LoginUrls } from "./logins.ts";
import { openPool } from "./pool.ts";
import { checkSessions } from "./pooler.ts";
import { ensureRoles, type Roles } from "./roles.ts";
import { MIGRATIONS } from "./schema-level.ts";

/** What `migrate` found and did. */
export interface Migrated {
  /** The names of the files that ran. */
  readonly ran: readonly string[];
  readonly roles: Roles;
}

/**
 * Migrates the database to this code's schema: runs the numbered files of `migrations/` that have not run yet, in order,
 * each in a transaction, and grants all rights anew. Concurrent calls wait for each other. Throws if the database is not
 * in UTF-8, or behind a pooler that is not in session mode.
 *
 * @param ownerUrl a role that may create tables and roles; it owns the tables
 * @param logins the services' URLs, whose logins are created if they are missing
 */
export async function migrate(ownerUrl: string, logins?: LoginUrls): Promise<Migrated> {
  await checkDatabase(ownerUrl);
  const ran = await runner({
    databaseUrl: ownerUrl,
    dir: MIGRATIONS,
    migrationsTable: "migrations",
    direction: "up",
    advisoryLockMode: "wait",
    log: () => undefined,
  });
  return { ran: ran.map(({ name }) => name), roles: await ensureRoles(ownerUrl, logins) };
}

async function checkDatabase(url: string): Promise<void> {
  const pool = openPool(url, { name: "dossier-migrate", size: 2 });
  try {
    const sessions = await checkSessions(pool);
    if (!sessions.ok) throw new Error(sessions.error);
    const { rows } = await pool.query<{ server_encoding: string }>("show server_encoding");
    const encoding = rows[0]?.server_encoding;
    if (encoding !== "UTF8")
      throw new Error(
        `the database's encoding is ${encoding}, which cannot store every character: create it with encoding 'UTF8'`,
      );
  } finally {
    await pool.end();
  }
}
