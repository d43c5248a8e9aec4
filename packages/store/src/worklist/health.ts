import { formatTicks, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { boundedCount, COUNTED_UP_TO, type BoundedCount } from "./bounded-count.ts";

/** Webhooks that were refused in the last 24 hours. Their times are those of whole minutes. */
export interface RefusedWebhooks {
  readonly reason: string;
  readonly count: number;
  readonly oldestAt: string;
  readonly newestAt: string;
}

/** Whether webhooks arrive and are settled. Times are as `formatTicks` writes them. */
export interface Health {
  /** `null` if there was none ever. */
  readonly lastAcceptedAt: string | null;
  /** In the last 24 hours, by whole minutes; `null` if fewer than two of them had a webhook. */
  readonly longestGapSeconds: number | null;
  readonly open: BoundedCount;
  /** Since when the oldest is open: its receipt, or its last redrive; `null` if none is. */
  readonly oldestOpenAt: string | null;
  /** By reason, the most first. */
  readonly refused: readonly RefusedWebhooks[];
}

const selectHealth = sqlFile("select_health");
const selectRefused = sqlFile("select_refused");

export async function readHealth(pool: Pool): Promise<Health> {
  const [health, refused] = await Promise.all([
    pool.query<{
      open: bigint;
      oldest_open: Ticks | null;
      last_accepted: Ticks | null;
      longest_gap_seconds: number | null;
    }>({ ...selectHealth, values: [COUNTED_UP_TO + 1] }),
    pool.query<{ reason: string; count: bigint; oldest: Ticks; newest: Ticks }>(selectRefused),
  ]);
  const [row] = health.rows;
  if (row === undefined) throw new Error("reading the health returned no row");
  return {
    lastAcceptedAt: formatTime(row.last_accepted),
    longestGapSeconds: row.longest_gap_seconds,
    open: boundedCount(row.open),
    oldestOpenAt: formatTime(row.oldest_open),
    refused: refused.rows.map(({ reason, count, oldest, newest }) => ({
      reason,
      count: Number(count),
      oldestAt: formatTicks(oldest),
      newestAt: formatTicks(newest),
    })),
  };
}

function formatTime(ticks: Ticks | null): string | null {
  return ticks === null ? null : formatTicks(ticks);
}
