import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** What is recorded and not settled. */
export interface Backlog {
  readonly open: number;
  /** How long the oldest has waited, by Postgres' clock; 0 when none does. */
  readonly oldestSeconds: number;
}

const selectBacklog = statement("select_backlog");

/** Counts what waits; costs a walk over what is open, and no more. */
export async function backlog(pool: Pool): Promise<Backlog> {
  const { rows } = await pool.query<{ open: bigint; oldest_seconds: number | null }>(selectBacklog);
  return { open: Number(rows[0]?.open ?? 0), oldestSeconds: rows[0]?.oldest_seconds ?? 0 };
}
