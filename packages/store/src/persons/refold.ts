import {
  compareOrderKeys,
  fold,
  fromLog,
  parseJson,
  type EventOrderKey,
  type Folded,
  type JsonObject,
  type PersonState,
} from "@dossier/events";
import { groupByWeight, MAX_BYTES } from "../database/groups.ts";
import type { Connection } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { selectEventData } from "./event-data.ts";
import { toRow, writePersons } from "./projection.ts";

/** A stream that got an event out of order, and how many entries it has. */
export interface OutOfOrderStream {
  readonly entityId: string;
  readonly entries: number;
}

/** Log entries of the persons whose events are selected together. */
const MAX_ENTRIES = 5_000;

const selectEvents = sqlFile("select_events");

interface OrderRow extends EventOrderKey {
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
    const { rows } = await connection.query<OrderRow>({
      ...selectEvents,
      values: [group.map(({ entityId }) => entityId), MAX_BYTES],
    });
    const byEntity = Map.groupBy(rows, ({ entity_id }) => entity_id);
    const bytesOf = (events: readonly OrderRow[]) => events.reduce((sum, { bytes }) => sum + bytes, 0);
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
  rows: readonly OrderRow[],
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
