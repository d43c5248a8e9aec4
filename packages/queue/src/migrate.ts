import { DEFAULT_SCHEMA, runMigrations } from "bullmq";
import pg from "pg";
import { checkLocation } from "./location.ts";

/**
 * Makes or updates what the queue needs in a Postgres database: the schema `bullmq`, in one transaction;
 * safe to repeat and to run at the same time elsewhere. The URL's role needs the right to create a schema.
 *
 * @param serviceRole a role that may then use the queue, and create or drop nothing; it must exist
 */
export async function migrateQueue(databaseUrl: string, serviceRole?: string): Promise<void> {
  checkLocation({ databaseUrl });
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: "dossier migrate queue",
  });
  await client.connect();
  try {
    await runMigrations(client);
    if (serviceRole !== undefined) await client.query(grants(pg.escapeIdentifier(serviceRole)));
  } finally {
    await client.end();
  }
}

/** Functions need none: everyone may run them, with their own rights. */
function grants(role: string): string {
  return `
    grant usage on schema ${DEFAULT_SCHEMA} to ${role};
    grant select, insert, update, delete on all tables in schema ${DEFAULT_SCHEMA} to ${role};
    grant usage on all sequences in schema ${DEFAULT_SCHEMA} to ${role};
  `;
}
