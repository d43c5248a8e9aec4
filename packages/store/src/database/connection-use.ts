import type { Pool } from "./pool.ts";
import { sql } from "./statements.ts";

const selectConnectionUse = sql(
  "select_connection_use",
  `select sum(numbackends)::float8 / current_setting('max_connections')::float8 as ratio
   from pg_stat_database`,
);

/** Returns the share of Postgres' `max_connections` that is in use, by anybody, from 0 to 1. */
export async function readConnectionUse(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ ratio: number }>(selectConnectionUse);
  return rows[0]?.ratio ?? 0;
}
