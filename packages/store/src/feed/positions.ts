import { setTimeout as delay } from "node:timers/promises";
import { feedHash } from "@dossier/events";
import { advanceChain, tryLockChain } from "../database/chain-head.ts";
import type { Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { awaitAll, transaction } from "../database/transaction.ts";

/** Limits how long one reader assigns positions for all. */
const MAX_APPENDS = 10_000;

const hasUnassigned = sql(
  "has_unassigned",
  "select exists (select from appends where first_position is null) as unassigned",
);
const selectUnassigned = sql(
  "select_unassigned",
  `select append_id, size, changes_hash from appends
   where first_position is null order by append_id limit $1`,
);
const assignNext = sqlFile("assign_positions");

/**
 * Assigns positions in the change feed to the appends that have committed and have none yet.
 *
 * A number that a writer draws cannot order a feed: one that is drawn early may commit late, when readers have gone
 * past it. So positions are assigned after the commit: what commits later comes later, and an open transaction delays
 * no other. Every reader calls this before it reads; while one assigns, the others read on. Positions are chained, so
 * that `verify` finds those that moved.
 */
export async function assignPositions(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ unassigned: boolean }>(hasUnassigned);
  if (rows[0]?.unassigned !== true) return;
  await transaction(pool, async (connection) => {
    // The lock is a statement of its own, so that the next one sees what the last holder has assigned.
    const head = await tryLockChain(connection, "feed");
    if (head === undefined) return;
    const { rows: unassigned } = await connection.query<{
      append_id: bigint;
      size: number;
      changes_hash: Buffer;
    }>({ ...selectUnassigned, values: [MAX_APPENDS] });
    let { seq, hash } = head;
    const positions: bigint[] = [];
    const hashes: Buffer[] = [];
    for (const { append_id: appendId, size, changes_hash: changesHash } of unassigned) {
      const firstPosition = seq + 1n;
      positions.push(firstPosition);
      hash = feedHash(hash, { appendId, firstPosition, size, changesHash });
      hashes.push(hash);
      seq += BigInt(size);
    }
    await awaitAll([
      connection.query({
        ...assignNext,
        values: [unassigned.map(({ append_id }) => append_id), positions, hashes],
      }),
      advanceChain(connection, "feed", { seq, hash }),
    ]);
  });
}

const selectLastPosition = sql(
  "select_last_position",
  `select first_position + size - 1 as position from appends
   where first_position is not null order by first_position desc limit 1`,
);

/** Returns the position of the last change that has one; 0 before the first. */
export async function findLastPosition(pool: Pool): Promise<bigint> {
  const { rows } = await pool.query<{ position: bigint }>(selectLastPosition);
  return rows[0]?.position ?? 0n;
}

export interface ChangeWatch {
  /**
   * Waits until the feed goes beyond a position. Returns `true`; or `false` if the signal is aborted first. Throws what
   * Postgres throws.
   */
  waitBeyond(position: bigint, signal: AbortSignal): Promise<boolean>;
}

/**
 * Lets any number of readers wait for changes at the cost of one: they share one query at a time. They poll, since
 * `notify` would make every writer's commit wait for those of the others.
 *
 * @param everyMs milliseconds between two queries: how late a reader may learn of a change, or notice an abort.
 *   Default: 250
 */
export function watchChanges(pool: Pool, { everyMs = 250 }: { readonly everyMs?: number } = {}): ChangeWatch {
  let polling: Promise<bigint> | undefined;

  async function poll(): Promise<bigint> {
    try {
      await delay(everyMs);
      await assignPositions(pool);
      return await findLastPosition(pool);
    } finally {
      polling = undefined;
    }
  }

  return {
    async waitBeyond(position, signal) {
      while (!signal.aborted) {
        polling ??= poll();
        if ((await polling) > position) return true;
      }
      return false;
    },
  };
}
