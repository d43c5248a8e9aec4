import { formatTicks, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sql } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";
import { filterValues, fromDeadLetters, type DeadLetterFilter } from "../dead-letters/find.ts";
import type { DecisionAction } from "../dead-letters/redrive.ts";

/** A bulk action to be made. */
export interface NewBulkAction {
  readonly action: DecisionAction;
  /** Without a field: all. */
  readonly filter: Omit<DeadLetterFilter, "status">;
  readonly reason: string;
  /** The name of the token that makes it. */
  readonly createdBy: string;
}

// One statement, so that the set and its size are of one moment.
const insertBulkAction = sql(
  "insert_bulk_action",
  `with selected as materialized (
     select dead_letter_id, delivery_id
     ${fromDeadLetters}
   ),
   created as (
     insert into bulk_actions (action, filter, reason, created_by, total)
     select $8, $9, $10, $11, count(*) from selected
     returning bulk_action_id
   ),
   frozen as (
     insert into bulk_action_deliveries (bulk_action_id, dead_letter_id, delivery_id)
     select bulk_action_id, dead_letter_id, delivery_id from selected, created
   )
   select bulk_action_id from created`,
);

/** A filter by text reads the bytes of all dead letters. In milliseconds. */
const TIMEOUT = { query_timeout: 120_000 };

/**
 * Makes a bulk action: records which dead letters it is about, for a restore discarded ones. It decides nothing until it
 * is confirmed. Returns its id.
 */
export function createBulkAction(
  pool: Pool,
  { action, filter, reason, createdBy }: NewBulkAction,
): Promise<number> {
  return transaction(pool, async (connection) => {
    await connection.query(`set local statement_timeout = ${TIMEOUT.query_timeout}`);
    const { rows } = await connection.query<{ bulk_action_id: number }>({
      ...insertBulkAction,
      values: [
        ...filterValues({ ...filter, status: statusOf(action) }),
        action,
        formatFilter(filter),
        reason,
        createdBy,
      ],
      ...TIMEOUT,
    });
    return Number(rows[0]?.bulk_action_id);
  });
}

/** What a dead letter must be for this decision. */
export function statusOf(action: DecisionAction): "dead-lettered" | "discarded" {
  return action === "restore" ? "discarded" : "dead-lettered";
}

function formatFilter({ since, before, ...filter }: NewBulkAction["filter"]): string {
  const format = (time: Ticks | undefined) => (time === undefined ? undefined : formatTicks(time));
  return JSON.stringify({ ...filter, since: format(since), before: format(before) });
}

const confirm = sql(
  "confirm_bulk_action",
  `update bulk_actions set state = 'running', confirmed_by = $2
   where bulk_action_id = $1 and state = 'previewed' and created_at > now() - interval '90 days'`,
);

/** Has consoles carry out a bulk action, unless it was confirmed or aborted before, or its set is no longer kept. */
export async function confirmBulkAction(
  pool: Pool,
  bulkActionId: number,
  confirmedBy: string,
): Promise<void> {
  await pool.query({ ...confirm, values: [bulkActionId, confirmedBy] });
}

const abort = sql(
  "abort_bulk_action",
  `update bulk_actions set state = 'aborted', aborted_by = $2
   where bulk_action_id = $1 and state in ('previewed', 'running')`,
);

/** Ends a bulk action, unless it has ended. Waits for the batch that is being decided; after it, nothing is decided. */
export async function abortBulkAction(pool: Pool, bulkActionId: number, abortedBy: string): Promise<void> {
  await pool.query({ ...abort, values: [bulkActionId, abortedBy] });
}
