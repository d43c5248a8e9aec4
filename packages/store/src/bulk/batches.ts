import type { Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";
import { DECIDE, type DecisionAction } from "../dead-letters/redrive.ts";
import { statusOf } from "./actions.ts";

/** Dead letters that one transaction decides about. */
export const DECISION_BATCH_SIZE = 500;

/** More than a batch and its jobs take. Only keeps consoles from taking turns: locks keep what is decided exact. */
const HOLD_SECONDS = 60;

/** What a batch of a bulk action decided. */
export interface DecidedBatch {
  readonly bulkActionId: number;
  readonly action: DecisionAction;
  readonly decided: readonly DecidedDeadLetter[];
}

interface DecidedDeadLetter {
  readonly deadLetterId: bigint;
  readonly deliveryId: string;
}

const claim = sqlFile("claim_bulk_action");
const lockBatch = sqlFile("lock_bulk_batch");
const recordBatch = sqlFile("record_bulk_batch");
const complete = sql(
  "complete_bulk_action",
  "update bulk_actions set state = 'completed' where bulk_action_id = $1",
);

/**
 * Decides about the next dead letters of a running bulk action, or completes it if there are none, in one transaction: a
 * crash neither decides twice nor forgets any. The caller should tell the queue. Returns `undefined` if no action is
 * running that `holder` may take.
 *
 * @param holder who carries actions out; one that it took is its own for a minute
 */
export function decideNextBatch(
  pool: Pool,
  holder: string,
  size = DECISION_BATCH_SIZE,
): Promise<DecidedBatch | undefined> {
  return transaction(pool, async (connection) => {
    const { rows: claimed } = await connection.query<{
      bulk_action_id: number;
      action: DecisionAction;
      confirmed_by: string;
      reason: string;
      last_dead_letter_id: bigint;
    }>({ ...claim, values: [holder, HOLD_SECONDS] });
    const [held] = claimed;
    if (held === undefined) return undefined;
    const { bulk_action_id: bulkActionId, action, confirmed_by: decidedBy, reason } = held;

    const { rows } = await connection.query<{
      dead_letter_id: bigint;
      delivery_id: string;
      is_locked: boolean;
    }>({ ...lockBatch, values: [bulkActionId, held.last_dead_letter_id, size, statusOf(action)] });
    const last = rows.at(-1);
    if (last === undefined) {
      await connection.query({ ...complete, values: [bulkActionId] });
      return { bulkActionId, action, decided: [] };
    }
    const locked = rows.flatMap(({ delivery_id, is_locked }) => (is_locked ? [delivery_id] : []));
    const recorded = new Set(await DECIDE[action](connection, locked, { decidedBy, reason }));
    const decided = rows.filter(({ delivery_id }) => recorded.has(delivery_id));
    const missed = rows.filter(({ delivery_id }) => !recorded.has(delivery_id));
    await connection.query({
      ...recordBatch,
      values: [bulkActionId, last.dead_letter_id, decided.length, missed.map((row) => row.dead_letter_id)],
    });
    return {
      bulkActionId,
      action,
      decided: decided.map((row) => ({ deadLetterId: row.dead_letter_id, deliveryId: row.delivery_id })),
    };
  });
}

const recordMissed = sqlFile("record_queue_missed");

/** Records that the queue did not take what was decided about these. */
export async function recordQueueMissed(
  pool: Pool,
  { bulkActionId, decided }: Pick<DecidedBatch, "bulkActionId" | "decided">,
): Promise<void> {
  const deadLetterIds = decided.map(({ deadLetterId }) => deadLetterId);
  await pool.query({ ...recordMissed, values: [bulkActionId, deadLetterIds] });
}

const release = sql(
  "release_bulk_actions",
  "update bulk_actions set held_until = null where held_by = $1 and state = 'running'",
);

/** Lets other holders take the actions of this one at once. */
export async function releaseBulkActions(pool: Pool, holder: string): Promise<void> {
  await pool.query({ ...release, values: [holder] });
}
