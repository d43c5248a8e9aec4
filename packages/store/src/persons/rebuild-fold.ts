import { fold, parseJson, type Event, type Folded, type JsonObject, type Place } from "@dossier/events";
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
  readonly status: string | null;
  readonly last: Place;
}

interface LogRow {
  readonly entity_id: string;
  readonly live: boolean;
  readonly event: string;
  readonly id: string;
  readonly ticks: bigint;
  readonly data: string;
  readonly status: string | null;
}

/** Events that are read at a time. More cost memory, fewer cost round trips. */
const EVENTS_AT_A_TIME = 2_000;

const selectLog = statement("select_log");
const selectLogSince = statement("select_log_since");

/**
 * Folds all persons anew, or those who were changed by the transactions after an append id. Memory holds one person
 * and what is read at a time.
 */
export async function* foldPersons(
  connection: Connection,
  sinceAppendId?: bigint,
): AsyncGenerator<readonly Refolded[]> {
  const query = sinceAppendId === undefined ? selectLog : { ...selectLogSince, values: [sinceAppendId] };
  let person: Person | undefined;
  for await (const rows of inBatches<LogRow>(connection, query, EVENTS_AT_A_TIME)) {
    const refolded: Refolded[] = [];
    for (const { entity_id: entityId, live, event, id, ticks, data, status } of rows) {
      if (person?.entityId !== entityId) {
        if (person !== undefined) refolded.push(refold(person));
        person = { entityId, events: [], live: undefined };
      }
      if (live) person.live = { state: data, status, last: { ticks, event, id } };
      else person.events.push({ entityId, event, id, ticks, data: parseJson(data) as JsonObject });
    }
    yield refolded;
  }
  if (person !== undefined) yield [refold(person)];
}

interface Person {
  readonly entityId: string;
  readonly events: Event[];
  live: ProjectedRow | undefined;
}

function refold({ entityId, events, live }: Person): Refolded {
  return { entityId, events: events.length, folded: fold(entityId, events), live };
}
