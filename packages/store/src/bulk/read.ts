import { errorClass, formatTicks, plainMessage, type DeadLetterReason } from "@dossier/events";
import { endOfPage, type PageRequest } from "../database/page.ts";
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

/** Returns a page of bulk actions, the latest first. */
export async function listBulkActions(
  pool: Pool,
  { limit, after }: PageRequest<number>,
): Promise<{ readonly items: readonly BulkAction[]; readonly next: number | undefined }> {
  const { rows } = await pool.query<Row>({ ...selectBulkActions, values: [undefined, after, limit] });
  return { items: rows.map(toBulkAction), next: endOfPage(rows, limit)?.bulk_action_id };
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
    error: error && errorClass(error),
    endedAt: format(row.ended_ticks),
  };
}

/** A dead letter that a bulk action is about, as it was selected. */
export type SampledDeadLetter = Omit<DeadLetterSummary, "receivedAt" | "discard">;

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
    message: plainMessage(row),
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
}

const selectFailures = sql(
  "select_bulk_failures",
  `select delivery_id, failure, dead_letter_id from bulk_action_deliveries
   where bulk_action_id = $1 and failure is not null and ($2::bigint is null or dead_letter_id > $2)
   order by dead_letter_id limit $3`,
);

/** Returns a page of the deliveries with which a bulk action did not succeed, in the order in which it decides. */
export async function listBulkFailures(
  pool: Pool,
  bulkActionId: number,
  { limit, after }: PageRequest<bigint>,
): Promise<{ readonly items: readonly BulkFailure[]; readonly next: bigint | undefined }> {
  const { rows } = await pool.query<{
    delivery_id: string;
    failure: BulkFailure["failure"];
    dead_letter_id: bigint;
  }>({ ...selectFailures, values: [bulkActionId, after, limit] });
  const items = rows.map(({ delivery_id, failure }) => ({ deliveryId: delivery_id, failure }));
  return { items, next: endOfPage(rows, limit)?.dead_letter_id };
}
