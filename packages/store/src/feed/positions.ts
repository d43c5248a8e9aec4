import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";

/** Bounds how long one reader works for all. */
const APPENDS_AT_A_TIME = 10_000;

const hasUnassigned = statement("has_unassigned");
const lockPositions = statement("lock_positions");
const assignNext = statement("assign_positions");

/**
 * Gives what has committed since the last time its places in the change feed.
 *
 * Numbers drawn by writers cannot be the order of a feed: one drawn early may commit late, after a reader has gone
 * past it. So positions are given here, after the commit: whatever commits later comes later, and a transaction that
 * stays open holds nobody up. Every reader does this before it reads; while one does, the others read on.
 */
export async function assignPositions(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ unassigned: boolean }>(hasUnassigned);
  if (rows[0]?.unassigned !== true) return;
  await transaction(pool, async (connection) => {
    // The lock comes first, in a statement of its own: the next one then sees what the last holder has given.
    const lock = await connection.query<{ locked: boolean }>(lockPositions);
    if (lock.rows[0]?.locked === true) await connection.query({ ...assignNext, values: [APPENDS_AT_A_TIME] });
  });
}

const selectLastPosition = statement("select_last_position");

/** The position of the last change that has one; 0 before the first. */
export async function lastPosition(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>(selectLastPosition);
  return rows[0]?.position ?? 0n;
}
