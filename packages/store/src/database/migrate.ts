import { join } from "node:path";
import { runner } from "node-pg-migrate";

/**
 * Brings the database to this code's schema: runs, in order and one transaction, the numbered files of `migrations/`
 * that it has not seen. Several at once wait for one another. Gives the names of those that ran.
 *
 * @param ownerUrl a role that may create tables and roles; the tables are its own
 */
export async function migrate(ownerUrl: string): Promise<readonly string[]> {
  const ran = await runner({
    databaseUrl: ownerUrl,
    dir: join(import.meta.dirname, "..", "..", "migrations"),
    migrationsTable: "migrations",
    direction: "up",
    advisoryLockMode: "wait",
    log: () => undefined,
  });
  return ran.map(({ name }) => name);
}
