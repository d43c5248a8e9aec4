import type { Pool } from "../database/pool.ts";
import { sql } from "../database/statements.ts";
import { isDeliveryId } from "./deliveries.ts";

const selectTraceparents = sql(
  "select_traceparents",
  "select traceparent from open_deliveries where delivery_id = any ($1::uuid[]) and traceparent is not null",
);

/** Returns the trace contexts of those of these deliveries that are open and traced. */
export async function readTraceparents(pool: Pool, deliveryIds: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ traceparent: string }>({
    ...selectTraceparents,
    values: [deliveryIds.filter(isDeliveryId)],
  });
  return rows.map(({ traceparent }) => traceparent);
}
