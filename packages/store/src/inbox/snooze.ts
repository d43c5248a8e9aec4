import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { SWEEP_AFTER_SECONDS } from "./deliveries.ts";

/** The longest that a delivery which Postgres could not settle waits for the next try, once Postgres is mended. */
const LONGEST_SECONDS = 60 * 60;

const snoozeDelivery = statement("snooze_delivery");

/**
 * Lets the sweeper leave an open delivery alone for as long again as it has waited since its receipt: from
 * `SWEEP_AFTER_SECONDS` up to an hour.
 */
export async function snooze(pool: Pool, deliveryId: string): Promise<void> {
  await pool.query({
    ...snoozeDelivery,
    values: [deliveryId, millisecondsOf(deliveryId), SWEEP_AFTER_SECONDS, LONGEST_SECONDS],
  });
}

/** A UUIDv7 begins with the milliseconds since 1970. Ingest's clock may err: the bounds of the wait hold all the same. */
function millisecondsOf(deliveryId: string): number {
  return Number.parseInt(deliveryId.replaceAll("-", "").slice(0, 12), 16);
}
