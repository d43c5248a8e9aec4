import type { Result } from "@dossier/service";
import type { Pool } from "@dossier/store";
import { readOwnerConfig } from "../../config.ts";

/** What every `token` command reads of the environment, for its help. */
export const OWNER_ENVIRONMENT = `Environment: MIGRATION_DATABASE_URL, as the role that owns the tables (default:
  DATABASE_URL). Each also as NAME_FILE.`;

/** Runs `work` as the owner of the tables. */
export async function withOwner<T>(work: (pool: Pool) => Promise<T>): Promise<Result<T>> {
  const config = readOwnerConfig();
  if (!config.ok) return config;
  const { DATABASE_URL, MIGRATION_DATABASE_URL = DATABASE_URL } = config.value;
  const { openPool } = await import("@dossier/store");
  const pool = openPool(MIGRATION_DATABASE_URL, { name: "dossier-token", size: 1 });
  try {
    return { ok: true, value: await work(pool) };
  } finally {
    await pool.end();
  }
}
