import {
  CHAIN_START,
  changesHash,
  identityKey,
  isKnownType,
  type Appended,
  type HashedEntry,
  type KnownEvent,
  type ParsedDelivery,
  type Status,
  type Stream,
} from "@dossier/events";
import { byteaArray } from "../database/arrays.ts";
import type { Connection } from "../database/pool.ts";
import { jsonLines, sql, sqlFile } from "../database/statements.ts";
import { awaitAll } from "../database/transaction.ts";
import { selectFolded } from "../persons/projection.ts";

interface HeadRow {
  readonly entity_id: string;
  readonly seq: bigint;
  readonly hash: Buffer;
}

const openStreams = sqlFile("open_streams");
// A statement of its own, so that it sees the streams that other transactions opened meanwhile.
const selectHeads = sql(
  "select_heads",
  "select entity_id, seq, hash from streams where entity_id = any ($1::text[]) order by entity_id for update",
);

/** Locks persons' streams, new ones too, in the order that every transaction uses: no deadlock. Returns their heads. */
async function lockStreams(
  connection: Connection,
  entityIds: readonly string[],
): Promise<readonly HeadRow[]> {
  const [, heads] = await awaitAll([
    connection.query({ ...openStreams, values: [entityIds, CHAIN_START] }),
    connection.query<HeadRow>({ ...selectHeads, values: [entityIds] }),
  ]);
  return heads.rows;
}

const nextAppendId = sql("next_append_id", "select nextval('append_ids') as append_id");
const selectKnownEvents = sqlFile("select_known_events");

/**
 * Locks the streams of the persons whom deliveries (by entity id) concern. Returns what appending to them needs, for as
 * many persons as memory allows, at least one.
 */
export async function openForAppend(
  connection: Connection,
  deliveriesOf: ReadonlyMap<string, readonly ParsedDelivery[]>,
): Promise<{ appendId: bigint; streams: readonly Stream[] }> {
  const entityIds = [...deliveriesOf.keys()];
  const [heads, appendIds, known, folded] = await awaitAll([
    lockStreams(connection, entityIds),
    connection.query<{ append_id: bigint }>(nextAppendId),
    findKnownEvents(connection, [...deliveriesOf.values()].flat()),
    selectFolded(connection, entityIds),
  ]);
  const streams = heads.flatMap(({ entity_id: entityId, seq, hash }) => {
    const person = folded.get(entityId);
    if (person === "not-read") return [];
    const knownEvents = known.get(entityId) ?? new Map<string, KnownEvent>();
    return { entityId, seq: Number(seq), hash, known: knownEvents, folded: person };
  });
  return { appendId: appendIds.rows[0]?.append_id ?? 0n, streams };
}

interface KnownRow {
  readonly entity_id: string;
  readonly event: string;
  readonly id: string;
  readonly ticks: bigint;
  readonly data_digest: Buffer;
  readonly delivery_id: string;
}

async function findKnownEvents(
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
  for (const { entity_id, event, id, ticks, data_digest: dataDigest, delivery_id: deliveryId } of rows) {
    const person = known.get(entity_id) ?? new Map<string, KnownEvent>();
    known.set(entity_id, person.set(identityKey({ event, id }), { ticks, dataDigest, deliveryId }));
  }
  return known;
}

const insertAppend = sql(
  "insert_append",
  "insert into appends (append_id, size, statuses, changes_hash) values ($1, cardinality($2::text[]), $2, $3)",
);
const insertEvents = sqlFile("insert_events");
const insertRedeliveries = sqlFile("insert_redeliveries");
const advanceStreams = sqlFile("advance_streams");

/** Adds the persons' new entries to the log, and advances the heads of their streams. */
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
  await awaitAll([
    insertEntries(connection, appendId, rows),
    connection.query({
      ...advanceStreams,
      values: [
        heads.map(({ entityId }) => entityId),
        heads.map(({ seq }) => seq),
        byteaArray(heads.map(({ hash }) => hash)),
      ],
    }),
  ]);
}

/**
 * Adds the changes of an append to the change feed.
 *
 * @param statuses of all persons who changed, by entity id, after the append
 */
export async function recordChanges(
  connection: Connection,
  appendId: bigint,
  appended: readonly Appended[],
  statuses: ReadonlyMap<string, Status>,
): Promise<void> {
  const changes = appended.flatMap(({ entries }) => entries).filter(({ changesState }) => changesState);
  if (changes.length === 0) return;
  const values = [
    appendId,
    changes.map(({ entityId }) => statuses.get(entityId)),
    changesHash(changes.map(({ hash }) => hash)),
  ];
  await connection.query({ ...insertAppend, values });
}

type Row = HashedEntry & { readonly ordinal: number | null };
type EventRow = Row & { readonly kind: "event"; readonly dataJson: string };

/** Postgres refuses an event without data. */
function isEvent(row: Row): row is EventRow {
  return row.kind === "event";
}

async function insertEntries(connection: Connection, appendId: bigint, rows: readonly Row[]): Promise<void> {
  const events = rows.filter(isEvent);
  const redeliveries = rows.filter((row) => !isEvent(row));
  await awaitAll([
    events.length > 0 &&
      connection.query({
        ...insertEvents,
        values: [
          appendId,
          ...eventColumns(events),
          jsonLines(events.map(({ dataJson }) => dataJson)),
          byteaArray(events.map(({ dataDigest }) => dataDigest)),
          ...deliveryColumns(events),
          events.map(({ event }) => isKnownType(event)),
        ],
      }),
    redeliveries.length > 0 &&
      connection.query({
        ...insertRedeliveries,
        values: [appendId, ...eventColumns(redeliveries), ...deliveryColumns(redeliveries)],
      }),
  ]);
}

function eventColumns(rows: readonly Row[]): unknown[] {
  return [
    rows.map(({ entityId }) => entityId),
    rows.map(({ seq }) => seq),
    rows.map(({ event }) => event),
    rows.map(({ id }) => id),
    rows.map(({ ticks }) => ticks),
  ];
}

function deliveryColumns(rows: readonly Row[]): unknown[] {
  return [
    rows.map(({ deliveryId }) => deliveryId),
    rows.map(({ receivedTicks }) => receivedTicks),
    byteaArray(rows.map(({ deliveryDigest }) => deliveryDigest)),
    byteaArray(rows.map(({ hash }) => hash)),
    rows.map(({ ordinal }) => ordinal),
  ];
}
