import type { DeadLetter } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sql } from "../database/statements.ts";
import { transaction } from "../database/transaction.ts";
import { recordOutcomes } from "../log/settle.ts";

const lockOpenDelivery = sql(
  "lock_open_delivery",
  "select from open_deliveries where delivery_id = $1 for update",
);

/** Dead-letters an open delivery without reading its bytes. Returns whether it was open. */
export function deadLetter(
  pool: Pool,
  deliveryId: string,
  deadLetter: DeadLetter,
  codeVersion: string,
): Promise<boolean> {
  return transaction(pool, async (connection) => {
    const { rowCount } = await connection.query({ ...lockOpenDelivery, values: [deliveryId] });
    if (rowCount === 0) return false;
    await recordOutcomes(
      connection,
      new Map([[deliveryId, { kind: "dead-lettered", deadLetter }]]),
      codeVersion,
    );
    return true;
  });
}
