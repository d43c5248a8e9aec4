import type { Issue } from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** Why a delivery could not be settled as an event. */
export type DeathReason =
  | "unparsable"
  | "invalid-event"
  | "conflicting-duplicate"
  | "fold-failed"
  | "stalled";

/** A delivery that needs a person to look at it. Nothing in it comes from the payload but ids. */
export interface DeadLetter {
  readonly deliveryId: string;
  readonly reason: DeathReason;
  readonly message: string;
  /** What did not fit in the payload, by zod's paths. */
  readonly issues: readonly Issue[];
  /** Which event it would have been, where that could be read. */
  readonly identity?: { readonly event: string; readonly id: string; readonly entityId: string };
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

const selectDeath = statement("select_death");

/** Why a delivery is dead, or `undefined` when it is not. */
export async function findDeath(
  pool: Pool,
  deliveryId: string,
): Promise<{ reason: DeathReason; message: string } | undefined> {
  const { rows } = await pool.query<{ reason: DeathReason; message: string }>({
    ...selectDeath,
    values: [deliveryId],
  });
  return rows[0];
}
