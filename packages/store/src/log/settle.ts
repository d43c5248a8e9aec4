import {
  append,
  parseDelivery,
  type Appended,
  type Folded,
  type Outcome,
  type Outcomes,
  type ParsedDelivery,
} from "@dossier/events";
import type { Connection, Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { together } from "../database/together.ts";
import { transaction } from "../database/transaction.ts";
import { insertDeadLetters } from "../dead-letters/dead-letter.ts";
import { refold, toRow, writePersons, type OutOfOrderStream } from "../persons/fold.ts";
import { appendToLog, lockStreams } from "./append.ts";

/**
 * Settles deliveries in one transaction: parses them, locks their persons' streams in one order, appends to the log,
 * folds, writes the projection, and records how each delivery ended. A delivery that is not open is left as it is, so a
 * second run changes nothing. Returns one outcome for each delivery: `applied`, `duplicate`, `dead-lettered` or
 * `not-open`. Throws what Postgres throws (see `isOutage`); then nothing has changed.
 */
export function settle(pool: Pool, deliveryIds: readonly string[], codeVersion: string): Promise<Outcomes> {
  return transaction(pool, async (connection) => {
    const outcomes = await apply(connection, deliveryIds);
    await together([
      insertDeadLetters(connection, outcomes, codeVersion),
      insertSettlements(connection, outcomes),
    ]);
    return outcomes;
  });
}

/** The part of `settle` that changes persons; a dry run needs no other. */
export async function apply(connection: Connection, deliveryIds: readonly string[]): Promise<Outcomes> {
  const { parsed, unparsable } = await claim(connection, deliveryIds);
  const appended = await appendDeliveries(connection, parsed);
  return new Map<string, Outcome>([
    ...deliveryIds.map((deliveryId) => [deliveryId, { kind: "not-open" }] as const),
    ...unparsable,
    ...appended.flatMap(({ outcomes }) => [...outcomes]),
  ]);
}

interface Claimed {
  readonly parsed: readonly ParsedDelivery[];
  readonly unparsable: Outcomes;
}

const preferIndexes = statement("prefer_indexes");
const claimDeliveries = statement("claim_deliveries");

/** Locks those of the deliveries that are open and not locked by another worker, and parses them. */
async function claim(connection: Connection, deliveryIds: readonly string[]): Promise<Claimed> {
  const [, { rows }] = await together([
    connection.query(preferIndexes),
    connection.query<{ delivery_id: string; body: Buffer; digest: Buffer; received_ticks: bigint }>({
      ...claimDeliveries,
      values: [deliveryIds],
    }),
  ]);
  const parsed: ParsedDelivery[] = [];
  const unparsable = new Map<string, Outcome>();
  for (const { delivery_id: deliveryId, body, digest, received_ticks: receivedTicks } of rows) {
    const event = parseDelivery(body);
    if (event.ok) parsed.push({ deliveryId, receivedTicks, deliveryDigest: digest, event: event.value });
    else unparsable.set(deliveryId, { kind: "dead-lettered", deadLetter: event.error });
  }
  return { parsed, unparsable };
}

async function appendDeliveries(
  connection: Connection,
  deliveries: readonly ParsedDelivery[],
): Promise<readonly Appended[]> {
  if (deliveries.length === 0) return [];
  const byEntity = Map.groupBy(deliveries, ({ event }) => event.entityId);
  const { appendId, streams } = await lockStreams(connection, byEntity);
  const appended = streams.map((stream) => append(stream, byEntity.get(stream.entityId) ?? []));

  const outOfOrder: OutOfOrderStream[] = [];
  const folded: Folded[] = [];
  for (const { entityId, entries, folded: person } of appended) {
    if (person === "out-of-order") outOfOrder.push({ entityId, entries: entries.at(-1)?.seq ?? 0 });
    else if (person !== undefined && entries.some(({ changesState }) => changesState)) folded.push(person);
  }
  // Sent in this order without waiting: a refold reads the log after the append.
  await together([
    appendToLog(connection, appendId, appended),
    writePersons(connection, folded.map(toRow)),
    refold(connection, outOfOrder),
  ]);
  return appended;
}

const settleDeliveries = statement("settle_deliveries");

async function insertSettlements(connection: Connection, outcomes: Outcomes): Promise<void> {
  const settled = [...outcomes].filter(([, { kind }]) => kind !== "not-open");
  if (settled.length === 0) return;
  await connection.query({
    ...settleDeliveries,
    values: [settled.map(([deliveryId]) => deliveryId), settled.map(([, { kind }]) => kind)],
  });
}
