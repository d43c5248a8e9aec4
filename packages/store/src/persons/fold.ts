import {
  fold,
  fromLog,
  parseJson,
  type Folded,
  type JsonObject,
  type PersonState,
  type EventOrderKey,
} from "@dossier/events";
import type { Connection } from "../database/pool.ts";
import { jsonLines, statement } from "../database/statements.ts";
import { searchable } from "./query.ts";

const selectFoldedRows = statement("select_folded");

/** What is folded of each of these persons so far. */
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
  }>({ ...selectFoldedRows, values: [entityIds] });
  return new Map(
    rows.map(({ entity_id, state, last_ticks: ticks, last_event: event, last_id: id }) => [
      entity_id,
      { state: JSON.parse(state) as PersonState, last: { ticks, event, id } },
    ]),
  );
}

/** A person's row of the projection. Equal states give equal rows, byte for byte. */
export interface PersonRow {
  readonly entityId: string;
  readonly status: string;
  readonly search: string;
  readonly state: string;
  readonly last: EventOrderKey;
}

export function toRow({ state, last }: Folded): PersonRow {
  const { entityId, status } = state;
  return { entityId, status, search: searchText(state), state: JSON.stringify(state), last };
}

const upsertNaturalPersons = statement("upsert_natural_persons");

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
    ],
  });
}

const selectEvents = statement("select_events");

/** Log entries of the persons who are folded anew at a time: bounds the memory, unless one person has more. */
const ENTRIES_AT_A_TIME = 5_000;

/** A person to be folded anew, and how many entries the person's log has. */
export interface OutOfOrderStream {
  readonly entityId: string;
  readonly entries: number;
}

/** Folds these persons anew from all their events. */
export async function refold(connection: Connection, late: readonly OutOfOrderStream[]): Promise<void> {
  for (const entityIds of atATime(late)) {
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
    const eventsOf = Map.groupBy(events, ({ entityId }) => entityId);
    const folded = [...eventsOf].flatMap(([entityId, own]) => fold(entityId, own) ?? []);
    await writePersons(connection, folded.map(toRow));
  }
}

function atATime(late: readonly OutOfOrderStream[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const { entityId, entries } of late) {
    if (entries > room) {
      groups.push([]);
      room = ENTRIES_AT_A_TIME;
    }
    groups.at(-1)?.push(entityId);
    room -= entries;
  }
  return groups;
}

function searchText({ name, email, entityId }: PersonState): string {
  return [name, email, entityId]
    .filter((part) => part !== null)
    .map(searchable)
    .join("\n");
}
