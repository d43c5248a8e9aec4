import {
  CHAIN_START,
  identityKey,
  isKnownType,
  type Appended,
  type HashedEntry,
  type KnownEvent,
  type ParsedDelivery,
  type Stream,
} from "@dossier/events";
import type { Connection } from "../database/pool.ts";
import { jsonLines, statement } from "../database/statements.ts";
import { together } from "../database/together.ts";
import { selectFolded } from "../persons/fold.ts";

const open = statement("open_streams");
const lock = statement("lock_streams");
const nextAppendId = statement("select_append_id");
const selectKnownEvents = statement("select_known_events");

/** Locks the persons whom the deliveries concern, in a fixed order, and reads what appending to them must know. */
export async function lockStreams(
  connection: Connection,
  deliveriesOf: ReadonlyMap<string, readonly ParsedDelivery[]>,
): Promise<{ appendId: bigint; streams: readonly Stream[] }> {
  const entityIds = [...deliveriesOf.keys()];
  const [, heads, appendIds, known, folded] = await together([
    connection.query({ ...open, values: [entityIds, CHAIN_START] }),
    connection.query<{ entity_id: string; seq: bigint; hash: Buffer }>({ ...lock, values: [entityIds] }),
    connection.query<{ append_id: bigint }>(nextAppendId),
    knownEvents(connection, [...deliveriesOf.values()].flat()),
    selectFolded(connection, entityIds),
  ]);
  const streams = heads.rows.map(({ entity_id: entityId, seq, hash }) => ({
    entityId,
    seq: Number(seq),
    hash,
    known: known.get(entityId) ?? new Map<string, KnownEvent>(),
    folded: folded.get(entityId),
  }));
  return { appendId: appendIds.rows[0]?.append_id ?? 0n, streams };
}

interface KnownRow {
  readonly entity_id: string;
  readonly event: string;
  readonly id: string;
  readonly ticks: bigint;
  readonly data_digest: Buffer;
}

async function knownEvents(
  connection: Connection,
  deliveries: readonly ParsedDelivery[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, KnownEvent>>> {
  const { rows } = await connection.query<KnownRow>({
    ...selectKnownEvents,
    values: [
      deliveries.map(({ event }) => event.entityId),
      deliveries.map(({ event }) => event.event),
      deliveries.map(({ event }) => event.id),
    ],
  });
  const known = new Map<string, Map<string, KnownEvent>>();
  for (const { entity_id, event, id, ticks, data_digest: dataDigest } of rows) {
    const person = known.get(entity_id) ?? new Map<string, KnownEvent>();
    known.set(entity_id, person.set(identityKey({ event, id }), { ticks, dataDigest }));
  }
  return known;
}

const insertAppend = statement("insert_append");
const insertEvents = statement("insert_events");
const insertRedeliveries = statement("insert_redeliveries");
const advanceStreams = statement("advance_streams");

/** Adds the persons' new entries to the log, and moves the heads of their chains. */
export async function appendToLog(
  connection: Connection,
  appendId: bigint,
  appended: readonly Appended[],
): Promise<void> {
  const grown = appended.filter(({ entries }) => entries.length > 0);
  if (grown.length === 0) return;
  let changes = 0;
  const rows = grown
    .flatMap(({ entries }) => entries)
    .map((entry) => ({ ...entry, ordinal: entry.changesState ? changes++ : null }));
  const heads = grown.flatMap(({ entries }) => entries.at(-1) ?? []);
  await together([
    insertEntries(connection, appendId, rows),
    connection.query({
      ...advanceStreams,
      values: [
        heads.map(({ entityId }) => entityId),
        heads.map(({ seq }) => seq),
        heads.map(({ hash }) => hash),
      ],
    }),
    changes > 0 ? connection.query({ ...insertAppend, values: [appendId, changes] }) : undefined,
  ]);
}

type Row = HashedEntry & { readonly ordinal: number | null };
type EventRow = Row & { readonly kind: "event"; readonly dataJson: string };

/** An event has data, a redelivery has none; Postgres refuses an event that has lost them. */
function isEvent(row: Row): row is EventRow {
  return row.kind === "event";
}

async function insertEntries(connection: Connection, appendId: bigint, rows: readonly Row[]): Promise<void> {
  const events = rows.filter(isEvent);
  const redeliveries = rows.filter((row) => !isEvent(row));
  await together([
    events.length > 0 &&
      connection.query({
        ...insertEvents,
        values: [
          appendId,
          ...places(events),
          jsonLines(events.map(({ dataJson }) => dataJson)),
          events.map(({ dataDigest }) => dataDigest),
          ...evidence(events),
          events.map(({ event }) => isKnownType(event)),
        ],
      }),
    redeliveries.length > 0 &&
      connection.query({
        ...insertRedeliveries,
        values: [appendId, ...places(redeliveries), ...evidence(redeliveries)],
      }),
  ]);
}

function places(rows: readonly Row[]): unknown[] {
  return [
    rows.map(({ entityId }) => entityId),
    rows.map(({ seq }) => seq),
    rows.map(({ event }) => event),
    rows.map(({ id }) => id),
    rows.map(({ ticks }) => ticks),
  ];
}

function evidence(rows: readonly Row[]): unknown[] {
  return [
    rows.map(({ deliveryId }) => deliveryId),
    rows.map(({ receivedTicks }) => receivedTicks),
    rows.map(({ deliveryDigest }) => deliveryDigest),
    rows.map(({ hash }) => hash),
    rows.map(({ ordinal }) => ordinal),
  ];
}
