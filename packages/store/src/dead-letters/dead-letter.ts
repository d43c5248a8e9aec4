import type { Issue, Legible } from "@dossier/events";
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
  /** Which event it would have been, as far as that could be read. */
  readonly identity?: Legible | undefined;
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

const selectLastDeaths = statement("select_last_deaths");

/** Why those of the deliveries that are dead are. */
export async function findDeaths(
  pool: Pool,
  deliveryIds: readonly string[],
): Promise<ReadonlyMap<string, { reason: DeathReason; message: string }>> {
  const { rows } = await pool.query<{ delivery_id: string; reason: DeathReason; message: string }>({
    ...selectLastDeaths,
    values: [deliveryIds],
  });
  return new Map(rows.map(({ delivery_id, ...death }) => [delivery_id, death]));
}
