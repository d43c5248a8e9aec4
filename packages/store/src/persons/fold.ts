import { fold, parseJson, type Event, type Folded, type JsonObject, type PersonState } from "@dossier/events";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

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

const upsertNaturalPersons = statement("upsert_natural_persons");

/** Writes persons' states. Equal states give equal rows, byte for byte. */
export async function writeFolded(connection: Connection, folded: readonly Folded[]): Promise<void> {
  if (folded.length === 0) return;
  await connection.query({
    ...upsertNaturalPersons,
    values: [
      folded.map(({ state }) => state.entityId),
      folded.map(({ state }) => state.status),
      folded.map(({ state }) => searchText(state)),
      folded.map(({ state }) => JSON.stringify(state)),
      folded.map(({ last }) => last.ticks),
      folded.map(({ last }) => last.event),
      folded.map(({ last }) => last.id),
    ],
  });
}

const selectEvents = statement("select_events");

/** Folds these persons anew from all their events, one person in memory at a time. */
export async function refold(connection: Connection, entityIds: readonly string[]): Promise<void> {
  for (const entityId of entityIds) {
    const { rows } = await connection.query<{ event: string; id: string; ticks: bigint; data: string }>({
      ...selectEvents,
      values: [entityId],
    });
    const events = rows.map(({ data, ...place }): Event => ({
      ...place,
      entityId,
      data: parseJson(data) as JsonObject,
    }));
    const folded = fold(entityId, events);
    if (folded !== undefined) await writeFolded(connection, [folded]);
  }
}

/** Postgres' `text` holds neither a NUL nor half a surrogate pair; JSON does. */
function searchText({ name, email, entityId }: PersonState): string {
  const text = [name, email, entityId].filter((part) => part !== null).join("\n");
  return text.toLowerCase().toWellFormed().replaceAll("\0", "\uFFFD");
}
