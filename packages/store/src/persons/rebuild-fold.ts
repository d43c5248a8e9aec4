import { fold, parseJson, type Folded, type JsonObject, type Place } from "@dossier/events";
import { inBatches } from "../database/cursor.ts";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** A person folded anew, and what the projection says of the person at the same moment. */
export interface Refolded {
  readonly entityId: string;
  /** How many events the person has. */
  readonly events: number;
  /** `undefined` where the log knows nothing of the person. */
  readonly folded: Folded | undefined;
  /** `undefined` where the projection knows nothing of the person, or was not asked. */
  readonly live: ProjectedRow | undefined;
}

/** A person's row, as far as it is compared; its search text follows from the state. */
export interface ProjectedRow {
  readonly state: string;
  readonly status: string;
  readonly last: Place;
}

/** A person's events come as two JSON arrays, which are several times faster to read than a row for each event. */
interface PersonRow {
  readonly entity_id: string;
  /** Of each event `[event, id, ticks]`. */
  readonly places: string | null;
  /** Of each event, in the same order, its data. */
  readonly data: string | null;
  readonly state: string | null;
  readonly status: string;
  readonly last_ticks: bigint;
  readonly last_event: string;
  readonly last_id: string;
}

const selectLog = statement("select_log");
const selectLogSince = statement("select_log_since");

/** More cost memory, fewer cost round trips. */
const PERSONS_AT_A_TIME = 100;

/**
 * Folds all persons anew, or those who were changed by the transactions after an append id. The memory it takes does
 * not grow with the log.
 */
export async function* foldPersons(
  connection: Connection,
  sinceAppendId?: bigint,
): AsyncGenerator<readonly Refolded[]> {
  const query = sinceAppendId === undefined ? selectLog : { ...selectLogSince, values: [sinceAppendId] };
  for await (const rows of inBatches<PersonRow>(connection, query, PERSONS_AT_A_TIME)) yield rows.map(refold);
}

function refold(row: PersonRow): Refolded {
  const { entity_id: entityId, state, status, last_ticks: ticks, last_event: event, last_id: id } = row;
  const places = JSON.parse(row.places ?? "[]") as readonly [event: string, id: string, ticks: string][];
  const data = parseJson(row.data ?? "[]") as readonly JsonObject[];
  const events = places.map(([event, id, ticks], i) => ({
    entityId,
    event,
    id,
    ticks: BigInt(ticks),
    data: data[i] ?? {},
  }));
  return {
    entityId,
    events: events.length,
    folded: fold(entityId, events),
    live: state === null ? undefined : { state, status, last: { ticks, event, id } },
  };
}
