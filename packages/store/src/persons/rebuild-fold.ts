import { fold, parseJson, type Event, type JsonObject } from "@dossier/events";
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

/** A person's events come as arrays, which are several times faster to read than a row for each event. */
interface LogRow {
  readonly entity_id: string;
  /** JSON arrays, and numbers between commas, all in one order. */
  readonly events: string | null;
  readonly ids: string;
  readonly ticks: string;
  readonly data: string;
  readonly search: string;
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
  for await (const rows of inBatches<LogRow>(connection, query, PERSONS_AT_A_TIME)) yield rows.map(refold);
}

function refold(row: LogRow): Refolded {
  const { entity_id: entityId, state, status, search } = row;
  const last = { ticks: row.last_ticks, event: row.last_event, id: row.last_id };
  const events = row.events === null ? [] : eventsOf(row, JSON.parse(row.events) as string[]);
  const folded = fold(entityId, events);
  return {
    entityId,
    events: events.length,
    folded: folded && toRow(folded),
    live: state === null ? undefined : { entityId, state, status, search, last },
  };
}

function eventsOf({ entity_id: entityId, ...row }: LogRow, names: readonly string[]): Event[] {
  const ids = JSON.parse(row.ids) as string[];
  const ticks = row.ticks.split(",");
  const data = parseJson(row.data) as readonly JsonObject[];
  return names.map((event, i) => ({
    entityId,
    event,
    id: ids[i] ?? "",
    ticks: BigInt(ticks[i] ?? ""),
    data: data[i] ?? {},
  }));
}
