import type { DeadLetter, DeadLetterReason, Outcomes } from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { together } from "../database/together.ts";
import { transaction } from "../database/transaction.ts";

const insert = statement("insert_dead_letters");

/** Records the dead letters among these outcomes. */
export async function insertDeadLetters(
  connection: Connection,
  outcomes: Outcomes,
  codeVersion: string,
): Promise<void> {
  const rows = [...outcomes].flatMap(([deliveryId, outcome]) =>
    outcome.kind === "dead-lettered" ? [{ deliveryId, ...outcome.deadLetter }] : [],
  );
  if (rows.length === 0) return;
  await connection.query({
    ...insert,
    values: [
      rows.map(({ deliveryId }) => deliveryId),
      rows.map(({ reason }) => reason),
      rows.map(({ message }) => message),
      rows.map(({ issues }) => JSON.stringify(issues)),
      rows.map(({ identity }) => identity?.event),
      rows.map(({ identity }) => identity?.id),
      rows.map(({ identity }) => identity?.entityId),
      codeVersion,
    ],
  });
}

const settleDeliveries = statement("settle_deliveries");

/** Dead-letters an open delivery without reading its bytes. Returns whether it was open. */
export function deadLetter(
  pool: Pool,
  deliveryId: string,
  deadLetter: DeadLetter,
  codeVersion: string,
): Promise<boolean> {
  return transaction(pool, async (connection) => {
    const { rowCount } = await connection.query(
      "select from open_deliveries where delivery_id = $1 for update",
      [deliveryId],
    );
    if (rowCount === 0) return false;
    const outcomes: Outcomes = new Map([[deliveryId, { kind: "dead-lettered", deadLetter }]]);
    await together([
      insertDeadLetters(connection, outcomes, codeVersion),
      connection.query({ ...settleDeliveries, values: [[deliveryId], ["dead-lettered"]] }),
    ]);
    return true;
  });
}

const selectDeadLettered = statement("select_dead_lettered");

/** Returns the reason and message of those of the deliveries that are dead-lettered now. */
export async function findDeadLettered(
  pool: Pool,
  deliveryIds: readonly string[],
): Promise<ReadonlyMap<string, { reason: DeadLetterReason; message: string }>> {
  const { rows } = await pool.query<{ delivery_id: string; reason: DeadLetterReason; message: string }>({
    ...selectDeadLettered,
    values: [deliveryIds],
  });
  return new Map(rows.map(({ delivery_id, ...reason }) => [delivery_id, reason]));
}
