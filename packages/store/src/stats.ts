import { isKnownType, STATUSES, type DeadLetterReason, type Status } from "@dossier/events";
import type { Pool } from "./database/pool.ts";
import { statement } from "./database/statements.ts";
import { countDeadLetters } from "./dead-letters/list.ts";
import { assignPositions, lastPosition } from "./feed/positions.ts";

/** What there is, and what waits. All is counted, nothing estimated; the groups may be a moment apart. */
export interface Stats {
  readonly deliveries: {
    readonly open: number;
    /** How long the one that has waited longest has been open; `null` when none is. */
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
    /** How many there are of each type that today's code does not know. */
    readonly unrecognised: Readonly<Record<string, number>>;
  };
  readonly feed: {
    readonly lastPosition: number;
    /** Seconds since the oldest commit that has no position yet; 0 where all have one. */
    readonly behindSeconds: number;
  };
}

const countDeliveries = statement("count_deliveries");
const countPersons = statement("count_persons");
const countUnrecognised = statement("count_unrecognised");
const selectFeedLag = statement("select_feed_lag");

/**
 * Counts. Neither events nor applied deliveries are gone through; what the time grows with is persons and
 * duplicates, each read from an index.
 */
export async function stats(pool: Pool): Promise<Stats> {
  await assignPositions(pool);
  const [deliveries, deadLetters, naturalPersons, unrecognised, position, lag] = await Promise.all([
    deliveryCounts(pool),
    countDeadLetters(pool, {}),
    personCounts(pool),
    unrecognisedCounts(pool),
    lastPosition(pool),
    pool.query<{ seconds: number }>(selectFeedLag),
  ]);
  return {
    deliveries,
    deadLetters,
    naturalPersons,
    events: { total: deliveries.applied, unrecognised },
    feed: { lastPosition: Number(position), behindSeconds: lag.rows[0]?.seconds ?? 0 },
  };
}

async function deliveryCounts(pool: Pool): Promise<Stats["deliveries"]> {
  const { rows } = await pool.query<{
    open: bigint;
    oldest_open_seconds: number | null;
    dead_lettered: bigint;
    discarded: bigint;
    redeliveries: bigint;
    events: bigint;
  }>(countDeliveries);
  const [row] = rows;
  if (row === undefined) throw new Error("counting the deliveries gave no row");
  return {
    open: Number(row.open),
    oldestOpenSeconds: row.oldest_open_seconds,
    deadLettered: Number(row.dead_lettered),
    discarded: Number(row.discarded),
    applied: Number(row.events),
    duplicate: Number(row.redeliveries),
    total: Number(row.open + row.dead_lettered + row.discarded + row.events + row.redeliveries),
  };
}

async function personCounts(pool: Pool): Promise<Record<Status, number>> {
  const { rows } = await pool.query<{ status: Status; count: bigint }>(countPersons);
  const byStatus = new Map(rows.map(({ status, count }) => [status, Number(count)]));
  return Object.fromEntries(STATUSES.map((status) => [status, byStatus.get(status) ?? 0])) as Record<
    Status,
    number
  >;
}

/** Counts the events whose type was unknown when they were appended, and is unknown to this code as well. */
async function unrecognisedCounts(pool: Pool): Promise<Record<string, number>> {
  const { rows } = await pool.query<{ event: string; count: bigint }>(countUnrecognised);
  return Object.fromEntries(
    rows.filter(({ event }) => !isKnownType(event)).map(({ event, count }) => [event, Number(count)]),
  );
}
