import { migrateQueue } from "@dossier/queue";
import { ensureServiceLogin, migrate, SERVICE_ROLE } from "@dossier/store";

export interface SchemaOptions {
  /** The role that owns the tables. */
  readonly ownerUrl: string;
  /** As what the services log in; made where it is another role than the owner, and is missing. */
  readonly serviceUrl: string;
  /** Whether the queue lives in this database, and needs its own tables there. */
  readonly withQueue: boolean;
}

/**
 * Brings a database to what this code needs, and gives the names of the migrations that were missing.
 * Safe to repeat, and to run several times at once.
 */
export async function prepareSchema(options: SchemaOptions): Promise<readonly string[]> {
  const { ownerUrl, serviceUrl, withQueue } = options;
  const ran = await migrate(ownerUrl);
  await ensureServiceLogin(ownerUrl, serviceUrl);
  if (withQueue) await migrateQueue(ownerUrl, SERVICE_ROLE);
  return ran;
}
