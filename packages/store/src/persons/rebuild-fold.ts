import { fold, fromLog, parseJson, type Event, type JsonObject } from "@dossier/events";
import { inBatches } from "../database/cursor.ts";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { toRow, type PersonRow } from "./fold.ts";

/** A person folded anew, and what the projection says of the person at the same moment. */
export interface Refolded {
  readonly entityId: string;
  /** How many events the person has. */
  readonly events: number;
  /** `undefined` where the log knows nothing of the person. */
  readonly folded: PersonRow | undefined;
  /** `undefined` where the projection knows nothing of the person, or was not asked. */
  readonly live: PersonRow | undefined;
}

type LogRow = { readonly entity_id: string } & (Logged | { readonly events: null }) &
  (Projected | { readonly state: null });

/** A person's events come as arrays, which are several times faster to read than a row for each event. */
interface Logged {
  /** JSON arrays, and numbers between commas, all in one order. */
  readonly events: string;
  readonly ids: string;
  readonly ticks: string;
  readonly data: string;
}

interface Projected {
  readonly search: string;
  readonly state: string;
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
  for await (const rows of inBatches<LogRow>(connection, query, PERSONS_AT_A_TIME)) yield rows.map(refold);
}

function refold(row: LogRow): Refolded {
  const { entity_id: entityId } = row;
  const events = row.events === null ? [] : eventsOf(entityId, row);
  const folded = fold(entityId, events);
  return {
    entityId,
    events: events.length,
    folded: folded && toRow(folded),
    live: row.state === null ? undefined : projectedOf(entityId, row),
  };
}

function projectedOf(entityId: string, row: Projected): PersonRow {
  const { state, status, search, last_ticks: ticks, last_event: event, last_id: id } = row;
  return { entityId, state, status, search, last: { ticks, event, id } };
}

function eventsOf(entityId: string, row: Logged): Event[] {
  const names = JSON.parse(row.events) as string[];
  const ids = JSON.parse(row.ids) as string[];
  const ticks = row.ticks.split(",");
  const data = parseJson(row.data) as readonly JsonObject[];
  return names.map((event, i) => {
    const [id, tick, datum] = [ids[i], ticks[i], data[i]];
    if (id === undefined || tick === undefined || datum === undefined)
      throw new Error(
        `the log gives ${names.length} events of ${entityId}, with ${ids.length} ids, ${ticks.length} times and ${data.length} data`,
      );
    return fromLog({ entityId, event, id, ticks: BigInt(tick), data: datum });
  });
}
