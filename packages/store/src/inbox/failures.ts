import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";
import { insertDeadLetters, type DeadLetter } from "./dead-letters.ts";
import { SWEEP_AFTER_SECONDS } from "./deliveries.ts";

const insertFailure = statement("insert_failure");

/**
 * Counts a failed attempt against an open delivery, for ever. Gives how many attempts it has used up since it was
 * opened, or `undefined` when it is open no more.
 *
 * @param retryAfterSeconds when its own job tries again; the sweeper leaves it alone until some time after
 */
export async function recordFailure(
  pool: Pool,
  failure: { deliveryId: string; error: string; stack: string | undefined; codeVersion: string },
  retryAfterSeconds: number,
): Promise<number | undefined> {
  const { deliveryId, error, stack, codeVersion } = failure;
  const { rows } = await pool.query<{ failures: number }>({
    ...insertFailure,
    values: [deliveryId, retryAfterSeconds + SWEEP_AFTER_SECONDS, error, stack, codeVersion],
  });
  return rows[0]?.failures;
}

const claimOpen = statement("claim_open");
const settleDeliveries = statement("settle_deliveries");

/** Settles an open delivery as dead. Gives whether it was open. */
export function bury(pool: Pool, dead: DeadLetter, codeVersion: string): Promise<boolean> {
  return transaction(pool, async (connection) => {
    const open = await connection.query({ ...claimOpen, values: [dead.deliveryId] });
    if (open.rowCount === 0) return false;
    await Promise.all([
      insertDeadLetters(connection, [dead], codeVersion),
      connection.query({ ...settleDeliveries, values: [[dead.deliveryId], ["dead"]] }),
    ]);
    return true;
  });
}
