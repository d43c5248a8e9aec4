import {
  diffJson,
  fold,
  formatTicks,
  fromLog,
  parseJson,
  toSearchable,
  type Event,
  type EventOrderKey,
  type Folded,
  type Json,
  type JsonDifference,
  type JsonObject,
  type PersonState,
} from "@dossier/events";
import { readInBatches } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { jsonLines, sql, sqlFile } from "../database/statements.ts";

const selectStates = sql(
  "select_states",
  `select entity_id, state, last_ticks, last_event, last_id, fold_version from natural_persons
   where entity_id = any ($1::text[])`,
);

/** Returns the projection's state of each of these persons. */
export async function selectFolded(
  connection: Connection,
  entityIds: readonly string[],
): Promise<ReadonlyMap<string, Folded>> {
  const { rows } = await connection.query<{
    entity_id: string;
    state: string;
    last_ticks: bigint;
    last_event: string;
    last_id: string;
    fold_version: number;
  }>({ ...selectStates, values: [entityIds] });
  return new Map(
    rows.map(({ entity_id, state, last_ticks: ticks, last_event: event, last_id: id, fold_version }) => [
      entity_id,
      { state: JSON.parse(state) as PersonState, last: { ticks, event, id }, foldVersion: fold_version },
    ]),
  );
}

/** A row of `natural_persons`. Equal states give equal rows, byte for byte. */
export interface PersonRow {
  readonly entityId: string;
  readonly status: string;
  readonly search: string;
  readonly state: string;
  /** The last event that is folded in. */
  readonly last: EventOrderKey;
  readonly foldVersion: number;
}

export function toRow({ state, last, foldVersion }: Folded): PersonRow {
  const { entityId, status, name, email } = state;
  const search = [name, email, entityId].filter((part) => part !== null).map(toSearchable);
  return { entityId, status, search: search.join("\n"), state: JSON.stringify(state), last, foldVersion };
}

const upsertNaturalPersons = sqlFile("upsert_natural_persons");

export async function writePersons(connection: Connection, rows: readonly PersonRow[]): Promise<void> {
  if (rows.length === 0) return;
  await connection.query({
    ...upsertNaturalPersons,
    values: [
      rows.map(({ entityId }) => entityId),
      rows.map(({ status }) => status),
      rows.map(({ search }) => search),
      jsonLines(rows.map(({ state }) => state)),
      rows.map(({ last }) => last.ticks),
      rows.map(({ last }) => last.event),
      rows.map(({ last }) => last.id),
      rows.map(({ foldVersion }) => foldVersion),
    ],
  });
}

/** A stream that got an event out of order, and how many entries it has. */
export interface OutOfOrderStream {
  readonly entityId: string;
  readonly entries: number;
}

const selectEvents = sqlFile("select_events");

/** Refolds persons from all their events, and writes them to the projection. */
export async function refold(connection: Connection, streams: readonly OutOfOrderStream[]): Promise<void> {
  for (const entityIds of groupByEntries(streams)) {
    const { rows } = await connection.query<{
      entity_id: string;
      event: string;
      id: string;
      ticks: bigint;
      data: string;
    }>({ ...selectEvents, values: [entityIds] });
    const events = rows.map(({ entity_id: entityId, data, ...event }) =>
      fromLog({ ...event, entityId, data: parseJson(data) as JsonObject }),
    );
    const byEntity = Map.groupBy(events, ({ entityId }) => entityId);
    const folded = [...byEntity].flatMap(([entityId, own]) => fold(entityId, own) ?? []);
    await writePersons(connection, folded.map(toRow));
  }
}

/** Log entries of the persons that are refolded together. Limits the memory, unless one person has more. */
const MAX_ENTRIES = 5_000;

function groupByEntries(streams: readonly OutOfOrderStream[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const { entityId, entries } of streams) {
    if (entries > room) {
      groups.push([]);
      room = MAX_ENTRIES;
    }
    groups.at(-1)?.push(entityId);
    room -= entries;
  }
  return groups;
}

/** A person as folded from the log, and as the projection has them at the same time. */
export interface FoldedPerson {
  readonly entityId: string;
  /** How many events the person has. */
  readonly events: number;
  /** `undefined` if the log has no such person. */
  readonly folded: PersonRow | undefined;
  /** `undefined` if the projection has no such person, or was not read. */
  readonly live: PersonRow | undefined;
}

type StreamRow = { readonly entity_id: string } & (LogColumns | { readonly events: null }) &
  (LiveColumns | { readonly state: null });

/** A person's events as arrays, which are several times faster to read than a row for each event. */
interface LogColumns {
  /** JSON arrays, and numbers between commas, all in one order. */
  readonly events: string;
  readonly ids: string;
  readonly ticks: string;
  readonly data: string;
}

export interface LiveColumns {
  readonly search: string;
  readonly state: string;
  readonly status: string;
  readonly last_ticks: bigint;
  readonly last_event: string;
  readonly last_id: string;
  readonly fold_version: number;
}

const selectAllStreams = sqlFile("select_all_streams");
const selectChangedStreams = sqlFile("select_changed_streams");

/** More cost memory, fewer cost round trips. */
const BATCH_SIZE = 100;

/** Folds all persons, or those who changed after an append id. Its memory does not grow with the log. */
export async function* foldPersons(
  connection: Connection,
  sinceAppendId?: bigint,
): AsyncGenerator<readonly FoldedPerson[]> {
  const query =
    sinceAppendId === undefined ? selectAllStreams : { ...selectChangedStreams, values: [sinceAppendId] };
  for await (const rows of readInBatches<StreamRow>(connection, query, BATCH_SIZE))
    yield rows.map(foldStream);
}

function foldStream(row: StreamRow): FoldedPerson {
  const { entity_id: entityId } = row;
  const events = row.events === null ? [] : parseEvents(entityId, row);
  const folded = fold(entityId, events);
  return {
    entityId,
    events: events.length,
    folded: folded && toRow(folded),
    live: row.state === null ? undefined : parseLiveRow(entityId, row),
  };
}

export function parseLiveRow(entityId: string, row: LiveColumns): PersonRow {
  const { state, status, search, last_ticks: ticks, last_event: event, last_id: id, fold_version } = row;
  return { entityId, state, status, search, last: { ticks, event, id }, foldVersion: fold_version };
}

/** Returns how two rows of a person differ; `undefined` if no byte does. */
export function diffRows(
  before: PersonRow | undefined,
  after: PersonRow | undefined,
): readonly JsonDifference[] | undefined {
  if (before !== undefined && after !== undefined && isSame(before, after)) return undefined;
  return diffJson(toJson(before), toJson(after));
}

function isSame(a: PersonRow, b: PersonRow): boolean {
  return (
    a.state === b.state &&
    a.status === b.status &&
    a.search === b.search &&
    a.last.ticks === b.last.ticks &&
    a.last.event === b.last.event &&
    a.last.id === b.last.id &&
    a.foldVersion === b.foldVersion
  );
}

function toJson(row: PersonRow | undefined): Json {
  if (row === undefined) return {};
  const { state, status, search, last, foldVersion } = row;
  return {
    state: JSON.parse(state) as Json,
    status,
    search,
    last: { at: formatTicks(last.ticks), event: last.event, id: last.id },
    foldVersion,
  };
}

function parseEvents(entityId: string, row: LogColumns): Event[] {
  const names = JSON.parse(row.events) as string[];
  const ids = JSON.parse(row.ids) as string[];
  const ticks = row.ticks.split(",");
  const data = parseJson(row.data) as readonly JsonObject[];
  return names.map((event, i) => {
    const [id, tick, datum] = [ids[i], ticks[i], data[i]];
    if (id === undefined || tick === undefined || datum === undefined)
      throw new Error(
        `the log has ${names.length} events of ${entityId}, but ${ids.length} ids, ${ticks.length} times and ${data.length} data`,
      );
    return fromLog({ entityId, event, id, ticks: BigInt(tick), data: datum });
  });
}
