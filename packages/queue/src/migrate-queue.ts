import { DEFAULT_SCHEMA, runMigrations } from "bullmq";
import pg from "pg";
import { checkLocation } from "./connection.ts";

/**
 * Creates or updates the schema `bullmq`, which the queue needs in a Postgres database, in one transaction. It can be
 * repeated, and run at the same time elsewhere.
 *
 * @param databaseUrl its role needs the right to create a schema
 * @param serviceRoles existing roles that get the right to use the queue, but not to create or drop anything
 */
export async function migrateQueue(databaseUrl: string, serviceRoles: readonly string[] = []): Promise<void> {
  checkLocation({ databaseUrl });
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "dossier migrate queue",
  });
  await client.connect();
  try {
    await runMigrations(client);
    if (serviceRoles.length > 0) await client.query(grants(serviceRoles.map(pg.escapeIdentifier).join()));
  } finally {
    await client.end();
  }
}

/** One transaction, as one query. Every role may run the schema's functions, which use the rights of the caller. */
function grants(roles: string): string {
  return `
    select pg_advisory_xact_lock(hashtext('dossier queue rights'));
    grant usage on schema ${DEFAULT_SCHEMA} to ${roles};
    grant select, insert, update, delete on all tables in schema ${DEFAULT_SCHEMA} to ${roles};
    grant usage on all sequences in schema ${DEFAULT_SCHEMA} to ${roles};
  `;
}
