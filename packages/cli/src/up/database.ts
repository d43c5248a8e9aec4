import { join, resolve } from "node:path";
import { startPostgres } from "@dossier/embedded";
import type { UpConfig } from "../config.ts";
import type { Trial } from "../trial.ts";

const SERVICE_LOGIN = "dossier";

/** Where the record is kept. */
export interface Database extends AsyncDisposable {
  /** As the role that owns the tables, and as the services. */
  readonly ownerUrl: string;
  readonly serviceUrl: string;
  /** In words, for a person. */
  readonly where: string;
  readonly embedded: boolean;
}

/** The Postgres that the configuration names, else an embedded one in the data folder, started. */
export async function openDatabase(config: UpConfig, trial: Trial): Promise<Database> {
  const { DATABASE_URL: given, MIGRATION_DATABASE_URL: owner = given } = config;
  if (given !== undefined && owner !== undefined) {
    const where = `Postgres at ${new URL(given).host}`;
    return {
      ownerUrl: owner,
      serviceUrl: given,
      where,
      embedded: false,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  const dir = join(config.DOSSIER_DATA_DIR, "postgres");
  const server = await startPostgres({ dir: resolve(dir), password: trial.ownerPassword });
  const url = (user: string, password: string) =>
    `postgres://${user}:${password}@127.0.0.1:${server.port}/postgres`;
  return {
    ownerUrl: url("postgres", trial.ownerPassword),
    serviceUrl: url(SERVICE_LOGIN, trial.servicePassword),
    embedded: true,
    where: `Postgres, embedded, in ${dir}`,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
