import { parseDelivery, type DeadLetter, type PartialIdentity } from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
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

const selectBody = sql("select_body", "select body from deliveries where delivery_id = $1");

/** Returns the identity of a recorded delivery's event, as far as its bytes can be parsed. */
export async function findIdentity(
  connection: Connection | Pool,
  deliveryId: string,
): Promise<PartialIdentity | undefined> {
  const { rows } = await connection.query<{ body: Buffer }>({ ...selectBody, values: [deliveryId] });
  return rows[0] && parseIdentity(rows[0].body);
}

function parseIdentity(body: Buffer): PartialIdentity | undefined {
  try {
    const parsed = parseDelivery(body);
    return parsed.ok ? parsed.value : parsed.error.identity;
  } catch {
    // The parser itself may be what fails at this delivery, which must be dead-lettered all the same.
    return undefined;
  }
}
