import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { together } from "../database/together.ts";
import { transaction } from "../database/transaction.ts";
import { insertDeadLetters, type DeadLetter } from "../dead-letters/dead-letter.ts";
import { SWEEP_AFTER_SECONDS } from "./deliveries.ts";

const recordAttempt = statement("record_failed_attempt");

/** An attempt that failed. Neither text may hold anything of the payload: both are kept for ever. */
export interface Failure {
  readonly deliveryId: string;
  readonly error: string;
  readonly stack: string | undefined;
  readonly codeVersion: string;
}

/**
 * Counts a failed attempt against an open delivery, for ever. Gives how many attempts it has used up since it was
 * opened, or `undefined` when it is open no more.
 *
 * @param backoff the waits of its own job, which doubles them from `baseMs` up to `capMs`: the sweeper leaves the
 *   delivery alone for as long
 */
export async function recordFailedAttempt(
  pool: Pool,
  { deliveryId, error, stack, codeVersion }: Failure,
  { baseMs, capMs }: { readonly baseMs: number; readonly capMs: number },
): Promise<number | undefined> {
  const { rows } = await pool.query<{ failures: number }>({
    ...recordAttempt,
    values: [deliveryId, SWEEP_AFTER_SECONDS, baseMs, capMs, error, stack, codeVersion],
  });
  return rows[0]?.failures;
}

const claimOpen = statement("claim_open");
const settleDeliveries = statement("settle_deliveries");

/**
 * Settles an open delivery as dead. Gives whether it was open. Its bytes are not looked at: they may be what killed its
 * workers.
 */
export function deadLetter(pool: Pool, dead: DeadLetter, codeVersion: string): Promise<boolean> {
  return transaction(pool, async (connection) => {
    const { rowCount } = await connection.query({ ...claimOpen, values: [dead.deliveryId] });
    if (rowCount === 0) return false;
    await together([
      insertDeadLetters(connection, [dead], codeVersion),
      connection.query({ ...settleDeliveries, values: [[dead.deliveryId], ["dead-lettered"]] }),
    ]);
    return true;
  });
}
