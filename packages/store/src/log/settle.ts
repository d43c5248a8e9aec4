import {
  append,
  parseDelivery,
  type Appended,
  type Folded,
  type Outcome,
  type ParsedDelivery,
} from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { together } from "../database/together.ts";
import { transaction } from "../database/transaction.ts";
import { insertDeadLetters, type DeadLetter } from "../dead-letters/dead-letter.ts";
import { refold, toRow, writePersons, type OutOfOrderStream } from "../persons/fold.ts";
import { appendToLog, lockStreams } from "./append.ts";

/** How a batch of deliveries ended. A delivery that is in none was settled already, or is in another's hands. */
export interface Settled {
  readonly applied: readonly string[];
  readonly duplicates: readonly string[];
  readonly dead: readonly DeadLetter[];
}

/**
 * Takes deliveries from the inbox into the persons' files, all in one transaction: reads them, locks the persons
 * concerned in a fixed order, appends to the log, folds, writes the projection, settles. Run twice, it does nothing
 * the second time. What cannot be placed becomes a dead letter and holds nobody up. Throws what Postgres throws
 * (see `isOutage`); then nothing has happened.
 */
export function settle(pool: Pool, deliveryIds: readonly string[], codeVersion: string): Promise<Settled> {
  return transaction(pool, async (connection) => {
    const settled = await place(connection, deliveryIds);
    await together([insertDeadLetters(connection, settled.dead, codeVersion), close(connection, settled)]);
    return settled;
  });
}

/** All of `settle` but what it says of the deliveries themselves: what changes for the persons. */
export async function place(connection: Connection, deliveryIds: readonly string[]): Promise<Settled> {
  const { deliveries, unreadable } = await claim(connection, deliveryIds);
  const appended = await appendDeliveries(connection, deliveries);
  const outcomes = new Map(appended.flatMap((person) => [...person.outcomes]));
  const ended = (outcome: Outcome): ParsedDelivery[] =>
    deliveries.filter(({ deliveryId }) => outcomes.get(deliveryId) === outcome);
  return {
    applied: ended("applied").map(({ deliveryId }) => deliveryId),
    duplicates: ended("duplicate").map(({ deliveryId }) => deliveryId),
    dead: [...unreadable, ...ended("conflicting-duplicate").map(conflict)],
  };
}

interface Claimed {
  readonly deliveries: readonly ParsedDelivery[];
  readonly unreadable: readonly DeadLetter[];
}

const preferIndexes = statement("prefer_indexes");
const claimDeliveries = statement("claim_deliveries");

async function claim(connection: Connection, deliveryIds: readonly string[]): Promise<Claimed> {
  const [, { rows }] = await together([
    connection.query(preferIndexes),
    connection.query<{ delivery_id: string; body: Buffer; digest: Buffer; received_ticks: bigint }>({
      ...claimDeliveries,
      values: [deliveryIds],
    }),
  ]);
  const deliveries: ParsedDelivery[] = [];
  const unreadable: DeadLetter[] = [];
  for (const { delivery_id: deliveryId, body, digest, received_ticks: receivedTicks } of rows) {
    const read = parseDelivery(body);
    if (read.ok) deliveries.push({ deliveryId, receivedTicks, deliveryDigest: digest, parsed: read.value });
    else unreadable.push({ deliveryId, ...read.error });
  }
  return { deliveries, unreadable };
}

async function appendDeliveries(
  connection: Connection,
  deliveries: readonly ParsedDelivery[],
): Promise<readonly Appended[]> {
  if (deliveries.length === 0) return [];
  const deliveriesOf = Map.groupBy(deliveries, ({ parsed }) => parsed.entityId);
  const { appendId, streams } = await lockStreams(connection, deliveriesOf);
  const appended = streams.map((stream) => append(stream, deliveriesOf.get(stream.entityId) ?? []));

  const late: OutOfOrderStream[] = [];
  const folded: Folded[] = [];
  for (const { entityId, entries, folded: person } of appended) {
    if (person === "out-of-order") late.push({ entityId, entries: entries.at(-1)?.seq ?? 0 });
    else if (person !== undefined && entries.some(({ changes }) => changes)) folded.push(person);
  }
  // Sent in this order, without waiting: what is folded anew is read when it has been appended.
  await together([
    appendToLog(connection, appendId, appended),
    writePersons(connection, folded.map(toRow)),
    refold(connection, late),
  ]);
  return appended;
}

function conflict({ deliveryId, parsed: { event, id, entityId } }: ParsedDelivery): DeadLetter {
  return {
    deliveryId,
    reason: "conflicting-duplicate",
    message: "this event was received before with other data; the first stands",
    issues: [],
    identity: { event, id, entityId },
  };
}

const settleDeliveries = statement("settle_deliveries");

async function close(connection: Connection, { applied, duplicates, dead }: Settled): Promise<void> {
  const outcomes = [
    ...applied.map((deliveryId) => ({ deliveryId, outcome: "applied" })),
    ...duplicates.map((deliveryId) => ({ deliveryId, outcome: "duplicate" })),
    ...dead.map(({ deliveryId }) => ({ deliveryId, outcome: "dead-lettered" })),
  ];
  if (outcomes.length === 0) return;
  await connection.query({
    ...settleDeliveries,
    values: [outcomes.map(({ deliveryId }) => deliveryId), outcomes.map(({ outcome }) => outcome)],
  });
}
