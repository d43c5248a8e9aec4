import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { formatTicks, type Ticks } from "@dossier/events";
import type { Pool } from "./pool.ts";
import { sql } from "./statements.ts";

export const MIGRATIONS = join(import.meta.dirname, "..", "..", "migrations");

/** How far the database is migrated. */
export interface SchemaLevel {
  /** The last migration that ran, and when. */
  readonly migration: string;
  readonly migratedAt: string;
  /** The migrations of this version that have not run. */
  readonly missing: readonly string[];
}

const selectMigrations = sql(
  "select_migrations",
  `select name, (extract(epoch from run_on::timestamptz) * 10000000)::bigint as ticks
   from migrations order by id`,
);

export async function readSchemaLevel(pool: Pool): Promise<SchemaLevel> {
  const [{ rows }, files] = await Promise.all([
    pool.query<{ name: string; ticks: Ticks }>(selectMigrations),
    readdir(MIGRATIONS),
  ]);
  const ran = new Set(rows.map(({ name }) => name));
  const last = rows.at(-1);
  if (last === undefined) throw new Error("no migration has run");
  const own = files.map((file) => file.replace(/\.sql$/, "")).toSorted();
  return {
    migration: last.name,
    migratedAt: formatTicks(last.ticks),
    missing: own.filter((name) => !ran.has(name)),
  };
}

/** Throws unless Postgres answers and each migration of this version has run. Those of later versions do not matter. */
export async function checkSchema(pool: Pool): Promise<void> {
  const { missing } = await readSchemaLevel(pool);
  if (missing.length > 0)
    throw new Error(
      `the database lacks migrations of this version: run \`dossier migrate\` (${missing.join()})`,
    );
}
