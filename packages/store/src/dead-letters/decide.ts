import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { SWEEP_AFTER_SECONDS } from "../inbox/deliveries.ts";

/** Who decided, and why: kept for ever with each delivery it was decided for. */
export interface Decision {
  readonly operator: string;
  readonly reason: string;
}

const redriveDeadLetters = statement("redrive_dead_letters");
const discardDeadLetters = statement("discard_dead_letters");

/**
 * Opens dead deliveries again, with all their attempts. Gives the ids of those that were dead: they are to be
 * enqueued; should that fail, the sweeper does it.
 */
export async function redrive(
  pool: Pool,
  deliveryIds: readonly string[],
  { operator, reason }: Decision,
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string }>({
    ...redriveDeadLetters,
    values: [deliveryIds, SWEEP_AFTER_SECONDS, operator, reason],
  });
  return rows.map(({ delivery_id }) => delivery_id);
}

/** Sets dead deliveries aside: they stay readable, and nobody is asked about them again. Gives those that were dead. */
export async function discard(
  pool: Pool,
  deliveryIds: readonly string[],
  { operator, reason }: Decision,
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string }>({
    ...discardDeadLetters,
    values: [deliveryIds, operator, reason],
  });
  return rows.map(({ delivery_id }) => delivery_id);
}
