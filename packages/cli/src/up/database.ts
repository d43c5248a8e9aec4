import { join, resolve } from "node:path";
import { startPostgres } from "@dossier/embedded";
import type { UpConfig } from "../config.ts";
import type { Trial } from "../trial.ts";

const SERVICE_LOGIN = "dossier";

/** The Postgres that keeps the record. */
export interface RecordDatabase extends AsyncDisposable {
  /** As the role that owns the tables. */
  readonly ownerUrl: string;
  /** As the services log in. */
  readonly serviceUrl: string;
  /** Where it is, for people to read. */
  readonly description: string;
  readonly embedded: boolean;
}

/** Returns the Postgres that is configured, else starts an embedded one in the data folder. */
export async function openDatabase(config: UpConfig, trial: Trial): Promise<RecordDatabase> {
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL } = config;
  if (DATABASE_URL !== undefined && MIGRATION_DATABASE_URL !== undefined) {
    return {
      ownerUrl: MIGRATION_DATABASE_URL,
      serviceUrl: DATABASE_URL,
      description: `Postgres at ${new URL(DATABASE_URL).host}`,
      embedded: false,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const dir = join(config.DOSSIER_DATA_DIR, "postgres");
  const server = await startPostgres({
    dir: resolve(dir),
    port: trial.ports.postgres,
    password: trial.ownerPassword,
  });
  const urlOf = (user: string, password: string) =>
    `postgres://${user}:${password}@127.0.0.1:${server.port}/postgres`;
  return {
    ownerUrl: urlOf("postgres", trial.ownerPassword),
    serviceUrl: urlOf(SERVICE_LOGIN, trial.servicePassword),
    description: `Postgres, embedded, in ${dir}`,
    embedded: true,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
