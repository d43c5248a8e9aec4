import { groupByWeight, MAX_BYTES } from "../database/groups.ts";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { isDeliveryId, SWEEP_AFTER_SECONDS } from "./deliveries.ts";

/** At most 500 deliveries make a group. More in one transaction are no faster, and lock more persons for longer. */
const MIN_WEIGHT = Math.floor(MAX_BYTES / 500);

const takeDue = sqlFile("take_due_deliveries");

/** About 300 years. */
const EVER_SECONDS = 1e10;

/**
 * Returns open deliveries that are due, and makes each due again `SWEEP_AFTER_SECONDS` from now: so concurrent sweepers
 * take different deliveries. Each group is as large as one transaction should be, in number and in bytes.
 *
 * @param limit the greatest number of deliveries; the longest due are taken
 * @param withinSeconds takes those alone that became due in this time, which costs less in a table with many deleted rows.
 *   Default: all that are due
 */
export async function takeDueDeliveries(
  pool: Pool,
  limit: number,
  withinSeconds = EVER_SECONDS,
): Promise<readonly (readonly string[])[]> {
  const { rows } = await pool.query<{ delivery_id: string; bytes: number }>({
    ...takeDue,
    values: [SWEEP_AFTER_SECONDS, limit, withinSeconds],
  });
  const groups = groupByWeight(rows, MAX_BYTES, ({ bytes }) => Math.max(bytes, MIN_WEIGHT));
  return groups.map((group) => group.map(({ delivery_id }) => delivery_id));
}

/** An attempt that failed. It is kept for ever, so neither text may hold anything of the payload. */
export interface FailedAttempt {
  readonly deliveryId: string;
  readonly error: string;
  readonly stack: string | undefined;
  readonly codeVersion: string;
}

const insertFailedAttempt = sqlFile("record_failed_attempt");

/**
 * Records a failed attempt of an open delivery, and counts it. Returns how many attempts it has used since it was
 * opened; `undefined` if it is not open.
 *
 * @param longestDelaysMs the longest delay after each attempt, from the first; the last one counts for all further
 *   attempts. The sweeper leaves the delivery to its own job for that long.
 */
export async function recordFailedAttempt(
  pool: Pool,
  { deliveryId, error, stack, codeVersion }: FailedAttempt,
  longestDelaysMs: readonly number[],
): Promise<number | undefined> {
  const { rows } = await pool.query<{ attempts: number }>({
    ...insertFailedAttempt,
    values: [deliveryId, SWEEP_AFTER_SECONDS, longestDelaysMs, error, stack, codeVersion],
  });
  return rows[0]?.attempts;
}

const LONGEST_SNOOZE_SECONDS = 60 * 60;

const snoozeDelivery = sqlFile("snooze_delivery");

/**
 * Snoozes an open delivery: makes it due after as long again as it has waited since its receipt, from
 * `SWEEP_AFTER_SECONDS` up to an hour. Uses no attempt.
 *
 * @param error why; it is kept while the delivery is open, so it may hold nothing of the payload
 */
export async function snooze(pool: Pool, deliveryId: string, error: string): Promise<void> {
  await pool.query({
    ...snoozeDelivery,
    values: [deliveryId, parseMilliseconds(deliveryId), SWEEP_AFTER_SECONDS, LONGEST_SNOOZE_SECONDS, error],
  });
}

/** A UUIDv7 begins with the milliseconds since 1970. If ingest's clock was wrong, the limits still hold. */
function parseMilliseconds(deliveryId: string): number {
  return Number.parseInt(deliveryId.replaceAll("-", "").slice(0, 12), 16);
}

const countStallOf = sqlFile("count_stall");

/**
 * Counts that a worker begins to settle an open delivery alone. Returns how often that was since an attempt last ended,
 * this time included; `undefined` if the delivery is not open, or locked by another worker. A snooze ends an attempt too.
 */
export async function countStall(pool: Pool, deliveryId: string): Promise<number | undefined> {
  if (!isDeliveryId(deliveryId)) return undefined;
  const { rows } = await pool.query<{ stalls: number }>({ ...countStallOf, values: [deliveryId] });
  return rows[0]?.stalls;
}

const selectUnheld = sqlFile("select_unheld");

/** Whether a delivery has been due for more than `SWEEP_AFTER_SECONDS`, and no worker is settling it. */
export async function hasUnheldDeliveries(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query({ ...selectUnheld, values: [SWEEP_AFTER_SECONDS] });
  return rows.length > 0;
}

/** The open deliveries: recorded and not settled. */
export interface Backlog {
  readonly open: number;
  /** How long the oldest is open, since its receipt or its last redrive, by Postgres' clock; 0 if none is. */
  readonly oldestSeconds: number;
  /** The age of the last delivery that was accepted, by Postgres' clock; `undefined` if there was none ever. */
  readonly lastSeconds: number | undefined;
}

const selectBacklog = sqlFile("select_backlog");

/** Counts the open deliveries. Reads only these, and the last delivery of all. */
export async function countBacklog(pool: Pool): Promise<Backlog> {
  const { rows } = await pool.query<{
    open: bigint;
    oldest_seconds: number | null;
    last_seconds: number | null;
  }>(selectBacklog);
  const [row] = rows;
  return {
    open: Number(row?.open ?? 0),
    oldestSeconds: row?.oldest_seconds ?? 0,
    lastSeconds: row?.last_seconds ?? undefined,
  };
}
