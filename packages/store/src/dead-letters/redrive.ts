import { toPerson, type Folded, type Person } from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import { isRetryable } from "../database/outage.ts";
import type { Connection, Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { awaitAll, rollBack } from "../database/transaction.ts";
import { SWEEP_AFTER_SECONDS } from "../inbox/deliveries.ts";
import { parseIdentity } from "../inbox/identity.ts";
import { applyDeliveries } from "../log/settle.ts";
import { selectFolded } from "../persons/projection.ts";

/** Who decided, and why: kept for ever with each delivery that it was decided for. */
export interface Decision {
  /** The name of the token that it is made with. */
  readonly decidedBy: string;
  readonly reason: string;
}

const redriveDeadLetters = sqlFile("redrive_dead_letters");

/**
 * Opens dead-lettered deliveries again, with all their attempts. Returns the ids of those that were dead-lettered. The
 * caller should enqueue them; otherwise the sweeper does.
 */
export async function redrive(
  pool: Pool | Connection,
  deliveryIds: readonly string[],
  { decidedBy, reason }: Decision,
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string }>({
    ...redriveDeadLetters,
    values: [deliveryIds, SWEEP_AFTER_SECONDS, decidedBy, reason],
  });
  return rows.map(({ delivery_id }) => delivery_id);
}

const discardDeadLetters = sqlFile("discard_dead_letters");

/** Discards dead-lettered deliveries: they stay readable. Returns the ids of those that were dead-lettered. */
export async function discard(
  pool: Pool | Connection,
  deliveryIds: readonly string[],
  { decidedBy, reason }: Decision,
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string }>({
    ...discardDeadLetters,
    values: [deliveryIds, decidedBy, reason],
  });
  return rows.map(({ delivery_id }) => delivery_id);
}

const restoreDeadLetters = sqlFile("restore_dead_letters");

/** Undoes discards: the deliveries are dead letters again. Returns the ids of those that were discarded. */
export async function restore(
  pool: Pool | Connection,
  deliveryIds: readonly string[],
  { decidedBy, reason }: Decision,
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string }>({
    ...restoreDeadLetters,
    values: [deliveryIds, decidedBy, reason],
  });
  return rows.map(({ delivery_id }) => delivery_id);
}

/** What operators decide about dead letters. Each returns the ids of those that it decided about. */
export const DECIDE = { redrive, discard, restore };

export type DecisionAction = keyof typeof DECIDE;

/** What a redrive would do with one delivery, by today's code and data. */
export type DryRunResult =
  | { readonly deliveryId: string; readonly outcome: "applied" | "duplicate"; readonly change?: PersonChange }
  | {
      readonly deliveryId: string;
      readonly outcome: "dead-lettered";
      readonly reason: string;
      readonly message: string;
    }
  | { readonly deliveryId: string; readonly outcome: "failed"; readonly error: unknown }
  | { readonly deliveryId: string; readonly outcome: "not-dead-lettered" };

export interface PersonChange {
  readonly entityId: string;
  /** `null` if the person is not known yet. */
  readonly before: Person | null;
  readonly after: Person;
}

/** A delivery to be redriven, and the person whom it concerns; `undefined` if its bytes do not say whom. */
interface Candidate {
  readonly deliveryId: string;
  readonly entityId: string | undefined;
}

/** Deliveries that are run together. If one of them fails, each is run by itself. */
const GROUP_SIZE = 100;

/**
 * Settles dead-lettered deliveries by today's code, and yields what became of each. Works on temporary copies of their
 * persons' rows, so that it needs no right to write the log and locks nothing. Each sees what those before it would have
 * done. As a worker does, it settles many together, in the order of their ids; then each has the change of all of these to
 * its person. Pass some hundred deliveries at most. Throws if it should be retried (see `isRetryable`).
 */
export async function* dryRunRedrive(
  pool: Pool,
  deliveryIds: readonly string[],
): AsyncGenerator<DryRunResult> {
  const connection = await pool.connect();
  try {
    await connection.query("begin isolation level repeatable read");
    const candidates = await findCandidates(connection, deliveryIds);
    await copyCandidates(connection, candidates);
    for (let n = 0; n < candidates.length; n += GROUP_SIZE)
      yield* dryRun(connection, candidates.slice(n, n + GROUP_SIZE));
  } finally {
    await rollBack(connection);
  }
}

const selectBodies = sqlFile("select_bodies");

/** Reads the bodies of `MAX_BYTES` at a time, since together they may be large. */
async function findCandidates(
  connection: Connection,
  deliveryIds: readonly string[],
): Promise<readonly Candidate[]> {
  const entityIds = new Map<string, string | undefined>();
  for (let last: string | undefined; ;) {
    const { rows } = await connection.query<{ delivery_id: string; body: Buffer }>({
      ...selectBodies,
      values: [deliveryIds, last, MAX_BYTES],
    });
    if (rows.length === 0) return deliveryIds.map((id) => ({ deliveryId: id, entityId: entityIds.get(id) }));
    for (const { delivery_id, body } of rows) entityIds.set(delivery_id, parseIdentity(body)?.entityId);
    last = rows.at(-1)?.delivery_id;
  }
}

const createCopies = sqlFile("create_dry_run");

async function copyCandidates(connection: Connection, candidates: readonly Candidate[]): Promise<void> {
  const { rows } = await connection.query<{ live: string }>("select quote_ident(current_schema()) as live");
  const live = rows[0]?.live;
  const entityIds = [...new Set(candidates.flatMap(({ entityId }) => entityId ?? []))];
  const deliveryIds = candidates.map(({ deliveryId }) => deliveryId);
  const copyPersons = (table: string) =>
    connection.query(`insert into ${table} select * from ${live}.${table} where entity_id = any ($1)`, [
      entityIds,
    ]);
  await awaitAll([
    connection.query(createCopies.text),
    ...["streams", "events", "redeliveries", "natural_persons"].map(copyPersons),
    connection.query(
      `insert into settlements select * from ${live}.settlements where delivery_id = any ($1)`,
      [deliveryIds],
    ),
  ]);
}

async function* dryRun(
  connection: Connection,
  candidates: readonly Candidate[],
): AsyncGenerator<DryRunResult> {
  await connection.query("savepoint dry_run");
  let results: readonly DryRunResult[];
  try {
    results = await settleAgain(connection, candidates);
  } catch (error) {
    if (isRetryable(error)) throw error;
    await connection.query("rollback to savepoint dry_run");
    const [{ deliveryId } = { deliveryId: "" }, ...others] = candidates;
    if (others.length === 0) yield { deliveryId, outcome: "failed", error };
    else for (const candidate of candidates) yield* dryRun(connection, [candidate]);
    return;
  }
  yield* results;
}

/** Throws if they, or their persons' states, are too large together. */
async function settleAgain(
  connection: Connection,
  candidates: readonly Candidate[],
): Promise<readonly DryRunResult[]> {
  const { rows } = await connection.query<{ delivery_id: string }>({
    ...redriveDeadLetters,
    values: [candidates.map(({ deliveryId }) => deliveryId), 0, "dry run", "rolled back"],
  });
  const reopened = new Set(rows.map(({ delivery_id }) => delivery_id));
  const concerned = candidates.filter(({ deliveryId }) => reopened.has(deliveryId));
  const entityIds = [...new Set(concerned.flatMap(({ entityId }) => entityId ?? []))];
  const before = await selectFolded(connection, entityIds);
  const { outcomes } = await applyDeliveries(connection, [...reopened]);
  const after = await selectFolded(connection, entityIds);
  const isUnread = [...before.values(), ...after.values()].includes("not-read");
  if (isUnread || outcomes.size < reopened.size) throw new Error("too large to be run together");
  return candidates.map(({ deliveryId, entityId = "" }) => {
    if (!reopened.has(deliveryId)) return { deliveryId, outcome: "not-dead-lettered" };
    const outcome = outcomes.get(deliveryId);
    if (outcome?.kind === "dead-lettered") {
      const { reason, message } = outcome.deadLetter;
      return { deliveryId, outcome: "dead-lettered", reason, message };
    }
    const settled = { deliveryId, outcome: outcome?.kind === "applied" ? "applied" : "duplicate" } as const;
    const changed = toPersonOf(after.get(entityId));
    const change = changed && { entityId, before: toPersonOf(before.get(entityId)) ?? null, after: changed };
    return { ...settled, ...(change && { change }) };
  });
}

function toPersonOf(folded: Folded | "not-read" | undefined): Person | undefined {
  return folded === undefined || folded === "not-read" ? undefined : toPerson(folded.state);
}
