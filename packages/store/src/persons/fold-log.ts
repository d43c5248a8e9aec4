import { fold, fromLog, parseJson, type Event, type JsonObject } from "@dossier/events";
import { readInBatches } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { parseLiveRow, toRow, type LiveColumns, type PersonRow } from "./projection.ts";

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

type StreamRow = { readonly entity_id: string } & (EventArrays | { readonly events: null }) &
  (LiveColumns | { readonly state: null });

/** A person's events as arrays, which are several times faster to read than a row for each event. */
interface EventArrays {
  /** JSON arrays, and numbers between commas, all in one order. */
  readonly events: string;
  readonly ids: string;
  readonly ticks: string;
  readonly data: string;
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

function parseEvents(entityId: string, row: EventArrays): Event[] {
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
