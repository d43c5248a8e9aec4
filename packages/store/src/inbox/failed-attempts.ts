import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { SWEEP_AFTER_SECONDS } from "./deliveries.ts";

/** An attempt that failed. It is kept for ever, so neither text may hold anything of the payload. */
export interface FailedAttempt {
  readonly deliveryId: string;
  readonly error: string;
  readonly stack: string | undefined;
  readonly codeVersion: string;
}

const insertFailedAttempt = statement("record_failed_attempt");

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
