import { CHAIN_START, toPerson, type Person } from "@dossier/events";
import { isOutage } from "../database/outage.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { together } from "../database/together.ts";
import { apply } from "../log/settle.ts";
import { selectFolded } from "../persons/fold.ts";
import { identityOf } from "./identity.ts";

/** What a redrive would do to one delivery, by today's code and data. */
export type DryRunResult =
  | { readonly deliveryId: string; readonly outcome: "applied" | "duplicate"; readonly change?: PersonChange }
  | {
      readonly deliveryId: string;
      readonly outcome: "dead-lettered";
      readonly reason: string;
      readonly message: string;
    }
  | { readonly deliveryId: string; readonly outcome: "failed"; readonly error: unknown }
  /** It is not dead (any more). */
  | { readonly deliveryId: string; readonly outcome: "not-dead-lettered" };

export interface PersonChange {
  readonly entityId: string;
  /** `null` where the person is not known yet. */
  readonly before: Person | null;
  readonly after: Person;
}

const redriveDeadLetters = statement("redrive_dead_letters");

/**
 * Runs dead deliveries through today's code, one after the other in a transaction that is always rolled back. Each
 * sees what those before it in the same call would have done. Holds the persons' locks until it ends, so give it
 * some hundred at a time.
 */
export async function dryRunRedrive(
  pool: Pool,
  deliveryIds: readonly string[],
): Promise<readonly DryRunResult[]> {
  const connection = await pool.connect();
  try {
    await connection.query("begin");
    const deliveries = await entitiesOf(connection, deliveryIds);
    await lock(connection, deliveries);
    const result: DryRunResult[] = [];
    for (const delivery of deliveries) result.push(await dryRunOne(connection, delivery));
    return result;
  } finally {
    await connection.query("rollback").then(
      () => connection.release(),
      (broken: Error) => connection.release(broken),
    );
  }
}

interface Concern {
  readonly deliveryId: string;
  /** The person whom the delivery concerns; no one's id where it cannot be read. */
  readonly entityId: string;
}

/** One body at a time, since together they may be large. */
async function entitiesOf(
  connection: Connection,
  deliveryIds: readonly string[],
): Promise<readonly Concern[]> {
  const concerns: Concern[] = [];
  for (const deliveryId of deliveryIds) {
    const identity = await identityOf(connection, deliveryId);
    concerns.push({ deliveryId, entityId: identity?.entityId ?? "" });
  }
  return concerns;
}

const openStreams = statement("open_streams");
const lockStreams = statement("lock_streams");
const lockDeadLetters = statement("lock_dead_letters");

/**
 * Locks all persons and the deaths before the first change, in the order of all who lock them: so nobody waits in a
 * circle.
 */
async function lock(connection: Connection, deliveries: readonly Concern[]): Promise<void> {
  const entityIds = [...new Set(deliveries.map(({ entityId }) => entityId).filter((id) => id !== ""))];
  await together([
    connection.query({ ...openStreams, values: [entityIds, CHAIN_START] }),
    connection.query({ ...lockStreams, values: [entityIds] }),
    connection.query({ ...lockDeadLetters, values: [deliveries.map(({ deliveryId }) => deliveryId)] }),
  ]);
}

async function dryRunOne(connection: Connection, { deliveryId, entityId }: Concern): Promise<DryRunResult> {
  await connection.query("savepoint dry_run");
  const reopened = await connection.query({
    ...redriveDeadLetters,
    values: [[deliveryId], 0, "dry run", "rolled back"],
  });
  if (reopened.rowCount === 0) return { deliveryId, outcome: "not-dead-lettered" };
  try {
    const before = await personOf(connection, entityId);
    const settled = (await apply(connection, [deliveryId])).get(deliveryId);
    if (settled?.kind === "dead-lettered")
      return { deliveryId, outcome: settled.kind, ...settled.deadLetter };
    const after = await personOf(connection, entityId);
    const outcome = settled?.kind === "applied" ? "applied" : "duplicate";
    return after === null
      ? { deliveryId, outcome }
      : { deliveryId, outcome, change: { entityId, before, after } };
  } catch (error) {
    if (isOutage(error)) throw error;
    await connection.query("rollback to savepoint dry_run");
    return { deliveryId, outcome: "failed", error };
  }
}

async function personOf(connection: Connection, entityId: string): Promise<Person | null> {
  const folded = (await selectFolded(connection, [entityId])).get(entityId);
  return folded === undefined ? null : toPerson(folded.state);
}
