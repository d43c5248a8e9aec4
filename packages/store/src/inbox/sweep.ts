import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { SWEEP_AFTER_SECONDS } from "./deliveries.ts";

const selectDueDeliveries = statement("select_due_deliveries");

/**
 * Gives open deliveries whose time has passed without a job settling them, the longest due first, and puts off the
 * time at which they are due again; so each comes back to one sweeper at a time.
 *
 * @param limit how many at the most
 */
export async function takeDueDeliveries(pool: Pool, limit: number): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string }>({
    ...selectDueDeliveries,
    values: [SWEEP_AFTER_SECONDS, limit],
  });
  return rows.map(({ delivery_id }) => delivery_id);
}
