import { join, resolve } from "node:path";
import { startPostgres } from "@dossier/embedded";
import type { LoginUrls } from "@dossier/store";
import { loginsOf } from "../commands/migrate.ts";
import type { UpConfig } from "../config.ts";
import { trialDatabaseUrl, type Trial } from "../trial.ts";
import type { ServiceUrls } from "./services.ts";

/** The Postgres that keeps the record. */
export interface RecordDatabase extends AsyncDisposable {
  /** As the role that owns the tables. */
  readonly ownerUrl: string;
  /** As the services log in. */
  readonly serviceUrls: ServiceUrls;
  /** The logins to create if they are missing. The trial's own Postgres has one for readers, too. */
  readonly logins: LoginUrls;
  /** Where it is, for people to read. */
  readonly description: string;
}

/** Returns the Postgres that is configured, else starts an embedded one in the data folder. */
export async function openDatabase(config: UpConfig, trial: Trial): Promise<RecordDatabase> {
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL } = config;
  if (DATABASE_URL !== undefined && MIGRATION_DATABASE_URL !== undefined) {
    const logins = loginsOf(config);
    const { ingest = DATABASE_URL, worker = DATABASE_URL, console = DATABASE_URL } = logins;
    return {
      ownerUrl: MIGRATION_DATABASE_URL,
      serviceUrls: { ingest, worker, console },
      logins,
      description: `Postgres at ${new URL(DATABASE_URL).host}`,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const dir = join(config.DOSSIER_DATA_DIR, "postgres");
  const server = await startPostgres({
    dir: resolve(dir),
    port: trial.ports.postgres,
    password: trial.passwords.owner,
  });
  const serviceUrls = {
    ingest: trialDatabaseUrl(trial, "ingest"),
    worker: trialDatabaseUrl(trial, "worker"),
    console: trialDatabaseUrl(trial, "console"),
  };
  return {
    ownerUrl: trialDatabaseUrl(trial, "owner"),
    serviceUrls,
    logins: { ...serviceUrls, reader: trialDatabaseUrl(trial, "reader") },
    description: `Postgres, embedded, in ${dir}`,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
