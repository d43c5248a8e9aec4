import { migrateQueue } from "@dossier/queue";
import { migrate } from "@dossier/store";

export interface SchemaOptions {
  /** The role that owns the tables. */
  readonly ownerUrl: string;
  /** As what the services log in. */
  readonly serviceUrl: string;
  /** Whether the queue lives in this database, and needs its own tables there. */
  readonly withQueue: boolean;
}

export interface Prepared {
  /** The migrations that were missing. */
  readonly ran: readonly string[];
}

/** Brings a database to what this code needs. Safe to repeat, and to run several times at once. */
export async function prepareSchema({ ownerUrl, withQueue }: SchemaOptions): Promise<Prepared> {
  const ran = await migrate(ownerUrl);
  if (withQueue) await migrateQueue(ownerUrl, SERVICE_ROLE);
  return { ran };
}

const SERVICE_ROLE = "dossier_service";
