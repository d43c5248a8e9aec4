import { join } from "node:path";
import { runner } from "node-pg-migrate";
import type { LoginUrls } from "./logins.ts";
import { ensureRoles, type Roles } from "./roles.ts";

/** What `migrate` found and did. */
export interface Migrated {
  /** The names of the files that ran. */
  readonly ran: readonly string[];
  readonly roles: Roles;
}

/**
 * Migrates the database to this code's schema: runs the numbered files of `migrations/` that have not run yet, in order,
 * each in a transaction, and grants all rights anew. Concurrent calls wait for each other.
 *
 * @param ownerUrl a role that may create tables and roles; it owns the tables
 * @param logins the services' URLs, whose logins are created if they are missing
 */
export async function migrate(ownerUrl: string, logins?: LoginUrls): Promise<Migrated> {
  const ran = await runner({
    databaseUrl: ownerUrl,
    dir: join(import.meta.dirname, "..", "..", "migrations"),
    migrationsTable: "migrations",
    direction: "up",
    advisoryLockMode: "wait",
    log: () => undefined,
  });
  return { ran: ran.map(({ name }) => name), roles: await ensureRoles(ownerUrl, logins) };
}
