import {
  compareOrderKeys,
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
import { groupByWeight, MAX_BYTES } from "../database/groups.ts";
import { readInBatches } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { jsonLines, sqlFile } from "../database/statements.ts";
import { selectEventData } from "./event-data.ts";

const selectStates = sqlFile("select_states");

/**
 * Returns the projection's state of each of these persons. Beyond `MAX_BYTES` no further state is read; the first always
 * is.
 *
 * @returns `not-read` for a person whose state was not read; nothing for one who is not in the projection
 */
export async function selectFolded(
  connection: Connection,
  entityIds: readonly string[],
): Promise<ReadonlyMap<string, Folded | "not-read">> {
  const { rows } = await connection.query<{
    entity_id: string;
    state: string | null;
    last_ticks: bigint;
    last_event: string;
    last_id: string;
    fold_version: number;
  }>({ ...selectStates, values: [entityIds, MAX_BYTES] });
  return new Map(
    rows.map(({ entity_id, state, last_ticks: ticks, last_event: event, last_id: id, fold_version }) => [
      entity_id,
      state === null
        ? "not-read"
        : { state: JSON.parse(state) as PersonState, last: { ticks, event, id }, foldVersion: fold_version },
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

/** Log entries of the persons whose events are selected together. */
const MAX_ENTRIES = 5_000;

const selectEvents = sqlFile("select_events");

interface EventRow extends EventOrderKey {
  readonly entity_id: string;
  readonly bytes: number;
  /** `null` if the events that were selected together have more than `MAX_BYTES` of data. */
  readonly data: string | null;
}

/** A person after a refold. */
export interface Refolded {
  readonly entityId: string;
  readonly status: PersonState["status"];
}

/** Refolds persons from all their events, and writes them to the projection. Its memory does not grow with the streams. */
export async function refold(
  connection: Connection,
  streams: readonly OutOfOrderStream[],
): Promise<readonly Refolded[]> {
  const refolded: Refolded[] = [];
  for (const group of groupByWeight(streams, MAX_ENTRIES, ({ entries }) => entries)) {
    const { rows } = await connection.query<EventRow>({
      ...selectEvents,
      values: [group.map(({ entityId }) => entityId), MAX_BYTES],
    });
    const byEntity = Map.groupBy(rows, ({ entity_id }) => entity_id);
    const bytesOf = (events: readonly EventRow[]) => events.reduce((sum, { bytes }) => sum + bytes, 0);
    for (const persons of groupByWeight([...byEntity], MAX_BYTES, ([, events]) => bytesOf(events))) {
      const folded: Folded[] = [];
      for (const [entityId, events] of persons)
        folded.push(...(await refoldPerson(connection, entityId, events)));
      await writePersons(connection, folded.map(toRow));
      refolded.push(...folded.map(({ state: { entityId, status } }) => ({ entityId, status })));
    }
  }
  return refolded;
}

async function refoldPerson(
  connection: Connection,
  entityId: string,
  rows: readonly EventRow[],
): Promise<readonly Folded[]> {
  const events = rows
    .map(({ event, id, ticks, data }) => ({ entityId, event, id, ticks, data }))
    .toSorted(compareOrderKeys);
  let folded: Folded | undefined;
  for (let read = 0; read < events.length;) {
    const rest = events.slice(read);
    const texts = rest.every(({ data }) => data !== null)
      ? rest.map(({ data }) => data ?? "")
      : await selectEventData(connection, rest, MAX_BYTES);
    const part = rest
      .slice(0, texts.length)
      .map((event, n) => fromLog({ ...event, data: parseJson(texts[n] ?? "") as JsonObject }));
    folded = fold(entityId, part, folded);
    read += part.length;
  }
  return folded === undefined ? [] : [folded];
}

/** A person as folded from the log, and as the projection has them at the same time. */
export interface FoldedPerson {
  readonly entityId: string;
  /** How many events the person has. */
  readonly events: number;
  /** `undefined` if the log has no such person. */
  readonly folded: PersonRow | undefined;
  /** `undefined` if the projection has no such person. */
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
