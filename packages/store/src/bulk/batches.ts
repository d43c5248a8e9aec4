import { isRetryable } from "../database/outage.ts";
import type { Connection, Pool } from "../database/pool.ts";
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
  /** Why the bulk action failed, if it did. */
  readonly error?: unknown;
}

interface DecidedDeadLetter {
  readonly deadLetterId: bigint;
  readonly deliveryId: string;
}

const claim = sqlFile("claim_bulk_action");
const lockBatch = sqlFile("lock_bulk_batch");
const recordBatch = sqlFile("record_bulk_batch");
const fail = sql(
  "fail_bulk_action",
  "update bulk_actions set state = 'failed', error = $2 where bulk_action_id = $1 and state = 'running'",
);
const complete = sql(
  "complete_bulk_action",
  "update bulk_actions set state = 'completed' where bulk_action_id = $1",
);

/** A running bulk action that is locked. */
interface Claimed {
  readonly bulk_action_id: number;
  readonly action: DecisionAction;
  readonly confirmed_by: string;
  readonly reason: string;
  readonly last_dead_letter_id: bigint;
}

/**
 * Decides about the next dead letters of the running bulk action that was confirmed first, or completes it if there are
 * none, in one transaction: a crash neither decides twice nor forgets any. The caller should tell the queue. A batch that
 * would fail again ends its action as failed, so that others go on. Returns `undefined` if no action is running, or
 * another holder has it.
 *
 * @param holder who carries actions out; one that it took is its own for a minute
 */
export async function decideNextBatch(
  pool: Pool,
  holder: string,
  size = DECISION_BATCH_SIZE,
): Promise<DecidedBatch | undefined> {
  let held: Claimed | undefined;
  try {
    return await transaction(pool, async (connection) => {
      ({
        rows: [held],
      } = await connection.query<Claimed>({ ...claim, values: [holder, HOLD_SECONDS] }));
      return held && (await decideBatch(connection, held, size));
    });
  } catch (error) {
    if (held === undefined || isRetryable(error)) throw error;
    const { bulk_action_id: bulkActionId, action } = held;
    await pool.query({ ...fail, values: [bulkActionId, classAndCode(error)] });
    return { bulkActionId, action, decided: [], error };
  }
}

/** What an error nobody expected says may be personal data. */
function classAndCode(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = "code" in error && typeof error.code === "string" ? ` ${error.code}` : "";
  return error.constructor.name + code;
}

async function decideBatch(connection: Connection, held: Claimed, size: number): Promise<DecidedBatch> {
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
