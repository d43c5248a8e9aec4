import type { Issue, PartialIdentity } from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** Why a delivery could not be settled as an event. */
export type DeadLetterReason =
  | "unparsable"
  | "invalid-event"
  | "conflicting-duplicate"
  | "fold-failed"
  | "stalled";

/** A delivery that needs a person to look at it. Nothing in it comes from the payload but ids. */
export interface DeadLetter {
  readonly deliveryId: string;
  readonly reason: DeadLetterReason;
  readonly message: string;
  /** What did not fit in the payload, by zod's paths. */
  readonly issues: readonly Issue[];
  /** Which event it would have been, as far as that could be read. */
  readonly identity?: PartialIdentity | undefined;
}

const insert = statement("insert_dead_letters");

export async function insertDeadLetters(
  connection: Connection,
  dead: readonly DeadLetter[],
  codeVersion: string,
): Promise<void> {
  if (dead.length === 0) return;
  await connection.query({
    ...insert,
    values: [
      dead.map(({ deliveryId }) => deliveryId),
      dead.map(({ reason }) => reason),
      dead.map(({ message }) => message),
      dead.map(({ issues }) => JSON.stringify(issues)),
      dead.map(({ identity }) => identity?.event),
      dead.map(({ identity }) => identity?.id),
      dead.map(({ identity }) => identity?.entityId),
      codeVersion,
    ],
  });
}

const selectDeadLettered = statement("select_dead_lettered");

/** Why those of the deliveries that are dead are. */
export async function findDeadLettered(
  pool: Pool,
  deliveryIds: readonly string[],
): Promise<ReadonlyMap<string, { reason: DeadLetterReason; message: string }>> {
  const { rows } = await pool.query<{ delivery_id: string; reason: DeadLetterReason; message: string }>({
    ...selectDeadLettered,
    values: [deliveryIds],
  });
  return new Map(rows.map(({ delivery_id, ...death }) => [delivery_id, death]));
}
