import type { Result } from "@dossier/service";
import { readDatabaseConfig, readRequiredDatabaseUrl } from "./config.ts";
import { findTrial, trialDatabaseUrl } from "./trial.ts";

/** What every command that reads the database reads of the environment, for its help. */
export const DATABASE_ENVIRONMENT =
  "Environment: DATABASE_URL, or DATABASE_URL_FILE (default: the trial's, in DOSSIER_DATA_DIR).";

/** As `DATABASE_ENVIRONMENT`, of the commands that work as the owner of the tables. */
export const OWNER_ENVIRONMENT = `Environment: MIGRATION_DATABASE_URL, as the role that owns the tables (default:
  DATABASE_URL, else the trial's, in DOSSIER_DATA_DIR). Each also as NAME_FILE.`;

/** Returns the URL of the database that the environment names, or of the trial's own. */
export async function findDatabaseUrl(as: "reader" | "owner"): Promise<Result<string>> {
  const config = readDatabaseConfig();
  if (!config.ok) return config;
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL, DOSSIER_DATA_DIR } = config.value;
  const configured = as === "owner" ? MIGRATION_DATABASE_URL : DATABASE_URL;
  if (configured !== undefined) return { ok: true, value: configured };
  const trial = await findTrial(DOSSIER_DATA_DIR);
  return trial === undefined ? readRequiredDatabaseUrl() : { ok: true, value: trialDatabaseUrl(trial, as) };
}
