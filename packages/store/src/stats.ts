import { isKnownType, STATUSES, type DeadLetterReason, type Status } from "@dossier/events";
import type { Pool } from "./database/pool.ts";
import { sql, sqlFile } from "./database/statements.ts";
import { countDeadLetters } from "./dead-letters/find.ts";
import { assignPositions, findLastPosition } from "./feed/positions.ts";
import { SWEEP_AFTER_SECONDS } from "./inbox/deliveries.ts";
import { findRebuildNeed, type RebuildNeed } from "./persons/rebuild-need.ts";

/** Exact counts. Each group is read by itself, so they may differ by what was written meanwhile. */
export interface Stats {
  readonly deliveries: {
    readonly open: number;
    /** Those of the open ones that failed, stopped a worker or are snoozed. */
    readonly failing: number;
    /** Those of the open ones that have been due for more than 30 s. Most often, a worker holds them. */
    readonly overdue: number;
    /** How long the oldest is open, since its receipt or its last redrive; `null` if none is. */
    readonly oldestOpenSeconds: number | null;
    readonly deadLettered: number;
    readonly discarded: number;
    readonly applied: number;
    readonly duplicate: number;
    readonly total: number;
  };
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
  readonly naturalPersons: Readonly<Record<Status, number>>;
  readonly events: {
    readonly total: number;
    /** How many events there are of each type that this code does not know. */
    readonly unrecognised: Readonly<Record<string, number>>;
  };
  readonly feed: {
    readonly lastPosition: number;
    /** Seconds since the oldest append that has no position yet; 0 if all have one. */
    readonly behindSeconds: number;
  };
  readonly rebuild: RebuildNeed;
}

const countDeliveries = sqlFile("count_deliveries");
const countPersons = sql(
  "count_persons",
  "select status, count(*) as count from natural_persons group by status",
);
const countUnrecognised = sqlFile("count_unrecognised");
const selectFeedLag = sql(
  "select_feed_lag",
  `select extract(epoch from now() - appended_at)::float8 as seconds from appends
   where first_position is null order by append_id limit 1`,
);

/**
 * Counts what there is. Reads neither events nor applied deliveries: the time grows with the numbers of persons and of
 * redeliveries, which it reads from indexes.
 */
export async function readStats(pool: Pool): Promise<Stats> {
  await assignPositions(pool);
  const [deliveries, deadLetters, naturalPersons, unrecognised, position, lag, rebuild] = await Promise.all([
    readDeliveryCounts(pool),
    countDeadLetters(pool, {}),
    readPersonCounts(pool),
    readUnrecognisedCounts(pool),
    findLastPosition(pool),
    pool.query<{ seconds: number }>(selectFeedLag),
    findRebuildNeed(pool),
  ]);
  return {
    deliveries,
    deadLetters,
    naturalPersons,
    events: { total: deliveries.applied, unrecognised },
    feed: { lastPosition: Number(position), behindSeconds: lag.rows[0]?.seconds ?? 0 },
    rebuild,
  };
}

async function readDeliveryCounts(pool: Pool): Promise<Stats["deliveries"]> {
  const { rows } = await pool.query<{
    open: bigint;
    failing: bigint;
    overdue: bigint;
    oldest_open_seconds: number | null;
    dead_lettered: bigint;
    discarded: bigint;
    redeliveries: bigint;
    events: bigint;
  }>({ ...countDeliveries, values: [SWEEP_AFTER_SECONDS] });
  const [row] = rows;
  if (row === undefined) throw new Error("counting the deliveries returned no row");
  return {
    open: Number(row.open),
    failing: Number(row.failing),
    overdue: Number(row.overdue),
    oldestOpenSeconds: row.oldest_open_seconds,
    deadLettered: Number(row.dead_lettered),
    discarded: Number(row.discarded),
    applied: Number(row.events),
    duplicate: Number(row.redeliveries),
    total: Number(row.open + row.dead_lettered + row.discarded + row.events + row.redeliveries),
  };
}

async function readPersonCounts(pool: Pool): Promise<Record<Status, number>> {
  const { rows } = await pool.query<{ status: Status; count: bigint }>(countPersons);
  const byStatus = new Map(rows.map(({ status, count }) => [status, Number(count)]));
  return Object.fromEntries(STATUSES.map((status) => [status, byStatus.get(status) ?? 0])) as Record<
    Status,
    number
  >;
}

/** Counts the events whose type was unknown when they were appended, and is unknown to this code as well. */
async function readUnrecognisedCounts(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ event: string; count: bigint }>(countUnrecognised);
  return Object.fromEntries(
    rows.filter(({ event }) => !isKnownType(event)).map(({ event, count }) => [event, Number(count)]),
  );
}
