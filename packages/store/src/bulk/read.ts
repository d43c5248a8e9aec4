import { formatTicks, type DeadLetterReason } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import type { DeadLetterSummary } from "../dead-letters/find.ts";
import type { DecisionAction } from "../dead-letters/redrive.ts";

export const BULK_ACTION_STATES = ["previewed", "running", "completed", "aborted", "failed"] as const;

/** A decision about all dead letters that a filter selected, and how far it is. Times are as `formatTicks` writes them. */
export interface BulkAction {
  readonly bulkActionId: number;
  readonly action: DecisionAction;
  readonly filter: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly state: (typeof BULK_ACTION_STATES)[number];
  /** How many dead letters it selected. */
  readonly total: number;
  readonly decided: number;
  /** About how many of them nothing could be decided. */
  readonly missed: number;
  /** For how many of those decided the queue did not take it. */
  readonly queueMissed: number;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly confirmedBy: string | null;
  readonly confirmedAt: string | null;
  readonly abortedBy: string | null;
  /** Why it failed. */
  readonly error: string | null;
  readonly endedAt: string | null;
}

interface Row extends Pick<
  BulkAction,
  "action" | "filter" | "reason" | "state" | "total" | "decided" | "missed" | "error"
> {
  readonly bulk_action_id: number;
  readonly queue_missed: number;
  readonly created_by: string;
  readonly confirmed_by: string | null;
  readonly aborted_by: string | null;
  readonly created_ticks: bigint;
  readonly confirmed_ticks: bigint | null;
  readonly ended_ticks: bigint | null;
}

const selectBulkActions = sqlFile("select_bulk_actions");

export async function findBulkAction(pool: Pool, bulkActionId: number): Promise<BulkAction | undefined> {
  const { rows } = await pool.query<Row>({ ...selectBulkActions, values: [bulkActionId, undefined, 1] });
  return rows[0] && toBulkAction(rows[0]);
}

/**
 * Returns bulk actions, the latest first.
 *
 * @param page at most `limit`, and only those that were made before `after`
 */
export async function listBulkActions(
  pool: Pool,
  { limit, after }: { readonly limit: number; readonly after?: number | undefined },
): Promise<readonly BulkAction[]> {
  const { rows } = await pool.query<Row>({ ...selectBulkActions, values: [undefined, after, limit] });
  return rows.map(toBulkAction);
}

function toBulkAction(row: Row): BulkAction {
  const { action, filter, reason, state, total, decided, missed, error } = row;
  const format = (ticks: bigint | null) => (ticks === null ? null : formatTicks(ticks));
  return {
    bulkActionId: row.bulk_action_id,
    action,
    filter,
    reason,
    state,
    total,
    decided,
    missed,
    queueMissed: row.queue_missed,
    createdBy: row.created_by,
    createdAt: formatTicks(row.created_ticks),
    confirmedBy: row.confirmed_by,
    confirmedAt: format(row.confirmed_ticks),
    abortedBy: row.aborted_by,
    error,
    endedAt: format(row.ended_ticks),
  };
}

/** A dead letter that a bulk action is about, as it was selected. */
export type SampledDeadLetter = Omit<DeadLetterSummary, "receivedAt" | "discard" | "cursor">;

const selectSample = sqlFile("select_bulk_sample");

/** Returns some of the dead letters that a bulk action is about, the latest first. */
export async function sampleBulkAction(
  pool: Pool,
  bulkActionId: number,
  size: number,
): Promise<readonly SampledDeadLetter[]> {
  const { rows } = await pool.query<{
    delivery_id: string;
    reason: DeadLetterReason;
    message: string;
    event: string | null;
    id: string | null;
    entity_id: string | null;
    code_version: string;
    dead_lettered_ticks: bigint;
  }>({ ...selectSample, values: [bulkActionId, size] });
  return rows.map(({ delivery_id, entity_id, code_version, dead_lettered_ticks, ...row }) => ({
    ...row,
    deliveryId: delivery_id,
    entityId: entity_id,
    codeVersion: code_version,
    deadLetteredAt: formatTicks(dead_lettered_ticks),
  }));
}

/** A delivery with which a bulk action did not succeed. */
export interface BulkFailure {
  readonly deliveryId: string;
  /** Nothing was decided, as it was no longer what had been selected; or the queue did not take what was decided. */
  readonly failure: "changed" | "queue-missed";
  /** The `after` of the page that begins behind this one. */
  readonly cursor: bigint;
}

const selectFailures = sql(
  "select_bulk_failures",
  `select delivery_id, failure, dead_letter_id from bulk_action_deliveries
   where bulk_action_id = $1 and failure is not null and ($2::bigint is null or dead_letter_id > $2)
   order by dead_letter_id limit $3`,
);

/**
 * Returns the deliveries with which a bulk action did not succeed, in the order in which it decides.
 *
 * @param page at most `limit`, behind the one with the cursor `after`
 */
export async function listBulkFailures(
  pool: Pool,
  bulkActionId: number,
  { limit, after }: { readonly limit: number; readonly after?: bigint | undefined },
): Promise<readonly BulkFailure[]> {
  const { rows } = await pool.query<{
    delivery_id: string;
    failure: BulkFailure["failure"];
    dead_letter_id: bigint;
  }>({ ...selectFailures, values: [bulkActionId, after, limit] });
  return rows.map(({ delivery_id, failure, dead_letter_id }) => ({
    deliveryId: delivery_id,
    failure,
    cursor: dead_letter_id,
  }));
}
