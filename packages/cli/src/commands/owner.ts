import type { Result } from "@dossier/service";
import type { Pool } from "@dossier/store";
import { findDatabaseUrl } from "../database-url.ts";

/** Runs `work` as the owner of the tables. */
export async function withOwner<T>(work: (pool: Pool) => Promise<T>): Promise<Result<T>> {
  const url = await findDatabaseUrl("owner");
  if (!url.ok) return url;
  const { openPool } = await import("@dossier/store");
  const pool = openPool(url.value, { name: "dossier-owner", size: 1 });
  try {
    return { ok: true, value: await work(pool) };
  } finally {
    await pool.end();
  }
}
