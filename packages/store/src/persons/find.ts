import {
  foldInOrder,
  STATUSES,
  toPerson,
  type Folded,
  type Person,
  type PersonState,
  type PointInTime,
  type Ticks,
} from "@dossier/events";
import { endOfPage, type PageRequest } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sql, sqlFile } from "../database/statements.ts";
import { boundedCount, COUNTED_UP_TO, type BoundedCount } from "../worklist/bounded-count.ts";
import { isPossibleId, readEventsAt, selectLoggedDeliveries } from "./events.ts";
import { IS_WAITING, isSelected, personSelection, type PersonFilter } from "./selection.ts";

export interface PersonPage {
  /** By entity id. */
  readonly persons: readonly Person[];
  /** The next page's `after`; `undefined` if there is none. The last page may be empty. */
  readonly next: string | undefined;
}

const selectState = sql("select_state", "select state from natural_persons where entity_id = $1");

/** Returns a person, at a point in time if one is given; `undefined` if nothing was known of the person. */
export async function findPerson(
  pool: Pool,
  entityId: string,
  time: PointInTime = {},
): Promise<Person | undefined> {
  if (!isPossibleId(entityId)) return undefined;
  if (isPast(time)) {
    for await (const person of foldPersonsAt(pool, [entityId], time)) return person;
    return undefined;
  }
  const { rows } = await pool.query<{ state: string }>({ ...selectState, values: [entityId] });
  return rows[0] && parseState(rows[0].state);
}

/**
 * Returns a page of persons in the order of their ids, which no event changes, so that a walk over the pages skips no
 * one. With a point in time, the persons are folded from the log as of then; a page may then hold fewer than `limit`, or
 * none, and still have a next one.
 *
 * @param page at most `limit` persons, or fewer if they are large, with ids greater than `after`
 */
export async function listPersons(
  pool: Pool,
  { asOf, knownAt, ...given }: PersonFilter & PointInTime,
  { limit, after = "" }: PageRequest<string>,
): Promise<PersonPage> {
  const filter = withEntityId(given);
  const { entityId } = filter;
  const time = { asOf, knownAt };
  if (entityId !== undefined) {
    const person = await findPerson(pool, entityId, time);
    return { persons: person && isSelected(person, filter) ? [person] : [], next: undefined };
  }
  if (isPast(time)) return listPersonsAt(pool, time, filter, { limit, after });

  const { text, values } = personSelection(filter);
  const n = values.length;
  const { rows } = await pool.query<{ entity_id: string; state: string; matches: bigint }>({
    text: pageOf(
      `select entity_id ${text} and entity_id > $${n + 1} order by entity_id limit $${n + 2}`,
      `$${n + 3}`,
    ),
    values: [...values, after, limit, MAX_PAGE_BYTES],
  });
  return {
    persons: rows.map(({ state }) => parseState(state)),
    next: endOfPage(rows, limit, rows[0]?.matches)?.entity_id,
  };
}

/** Where a page of persons by their last event ends. */
export interface WaitingPosition {
  readonly ticks: Ticks;
  readonly entityId: string;
}

/**
 * Returns a page of the persons who wait for the next step, those longest without an event first. Persons whose event
 * arrives while the pages are read move behind those that are read already.
 */
export async function listPersonsByWaiting(
  pool: Pool,
  filter: PersonFilter,
  { limit, after }: PageRequest<WaitingPosition>,
): Promise<{ readonly persons: readonly Person[]; readonly next: WaitingPosition | undefined }> {
  const { text, values } = personSelection(withEntityId(filter));
  const parameter = (value: unknown, type: string) => `$${values.length + added.push(value)}::${type}`;
  const added: unknown[] = [];
  const order = "order by last_ticks, entity_id";
  const [steps, ticks, id] = [
    parameter(STATUSES, "text[]"),
    parameter(after?.ticks, "bigint"),
    parameter(after?.entityId, "text"),
  ];
  const [most, bytes] = [parameter(limit, "integer"), parameter(MAX_PAGE_BYTES, "bigint")];
  // The index has the order of each status.
  const selection = `
    select entity_id
    from unnest(${steps}) as steps (step)
    cross join lateral (
      select entity_id, last_ticks ${text} and status = step and ${IS_WAITING}
        and (${ticks} is null or (last_ticks >= ${ticks} and (last_ticks, entity_id) > (${ticks}, ${id})))
      ${order} limit ${most}
    ) as of_step
    ${order} limit ${most}`;
  const { rows } = await pool.query<{ entity_id: string; state: string; last_ticks: Ticks; matches: bigint }>(
    {
      text: pageOf(selection, bytes, "last_ticks, entity_id"),
      values: [...values, ...added],
    },
  );
  const last = endOfPage(rows, limit, rows[0]?.matches);
  return {
    persons: rows.map(({ state }) => parseState(state)),
    next: last && { ticks: last.last_ticks, entityId: last.entity_id },
  };
}

/** Only an e-mail has to be searched: a whole id is found by itself. */
function withEntityId({ whole, ...filter }: PersonFilter): PersonFilter {
  if (whole === undefined || whole.includes("@")) return { ...filter, whole };
  return filter.entityId === undefined || filter.entityId === whole
    ? { ...filter, entityId: whole }
    : { ...filter, whole };
}

/** Returns the statement that selects the states of as many persons as have `bytes`, and says how many there were. */
function pageOf(selection: string, bytes: string, order = "entity_id"): string {
  return `
    with matching as materialized (${selection})
    select ${order}, state, matches
    from (
      select ${order}, state, count(*) over () as matches,
        sum(octet_length(state::text))
          over (order by ${order} rows between unbounded preceding and 1 preceding) as bytes_before
      from matching join natural_persons using (entity_id)
    ) as sized
    where coalesce(bytes_before, 0) < ${bytes}::bigint
    order by ${order}`;
}

/** Counts the persons of now. */
export async function countPersons(pool: Pool, given: PersonFilter): Promise<BoundedCount> {
  const filter = withEntityId(given);
  if (filter.entityId !== undefined && !isPossibleId(filter.entityId)) return boundedCount(0);
  const { text, values } = personSelection(filter);
  const { rows } = await pool.query<{ count: bigint }>({
    text: `select count(*) from (select ${text} limit $${values.length + 1}) as counted`,
    values: [...values, COUNTED_UP_TO + 1],
  });
  return boundedCount(rows[0]?.count ?? 0);
}

function isPast({ asOf, knownAt }: PointInTime): boolean {
  return asOf !== undefined || knownAt !== undefined;
}

function parseState(state: string): Person {
  return toPerson(JSON.parse(state) as PersonState);
}

/** Persons and entries that are folded together. Limits the memory, unless one person has more entries. */
const MAX_PERSONS = 500;
const MAX_ENTRIES = 5_000;
/** Entries that are folded for one page, whether their persons match or not. Limits the time. */
const MAX_ENTRIES_OF_PAGE = 20_000;

async function listPersonsAt(
  pool: Pool,
  time: PointInTime,
  filter: PersonFilter,
  { limit, after: start }: { readonly limit: number; readonly after: string },
): Promise<PersonPage> {
  const persons: Person[] = [];
  let after = start;
  let bytes = 0;
  // As many again as were folded before: if nearly everybody matches, hardly more than the page shows.
  let size = Math.min(limit, MAX_PERSONS);
  let read = 0;
  for (let folded = 0; folded < MAX_ENTRIES_OF_PAGE;) {
    const streams = await selectNextStreams(pool, after, size);
    read += streams.length;
    size = Math.min(read, MAX_PERSONS);
    if (streams.length === 0) return { persons, next: undefined };
    const entityIds = streams.map(({ entityId }) => entityId);
    for await (const person of foldPersonsAt(pool, entityIds, time)) {
      if (!isSelected(person, filter)) continue;
      persons.push(person);
      bytes += JSON.stringify(person).length;
      if (persons.length === limit || bytes >= MAX_PAGE_BYTES) return { persons, next: person.entityId };
    }
    after = entityIds.at(-1) ?? after;
    folded += streams.reduce((sum, { entries }) => sum + entries, 0);
  }
  return { persons, next: after };
}

const nextStreams = sqlFile("select_next_streams");

async function selectNextStreams(
  pool: Pool,
  after: string,
  size: number,
): Promise<{ entityId: string; entries: number }[]> {
  const { rows } = await pool.query<{ entity_id: string; entries: bigint }>({
    ...nextStreams,
    values: [after, size, MAX_ENTRIES],
  });
  return rows.map(({ entity_id, entries }) => ({ entityId: entity_id, entries: Number(entries) }));
}

/** Returns these persons at a point in time, one after the other, without those of whom nothing was known. */
async function* foldPersonsAt(
  pool: Pool,
  entityIds: readonly string[],
  time: PointInTime,
): AsyncGenerator<Person> {
  let current: Folded | undefined;
  const deliveries = await selectLoggedDeliveries(pool, entityIds);
  for await (const events of readEventsAt(pool, entityIds, deliveries, time)) {
    for (const [entityId, own] of Map.groupBy(events, (event) => event.entityId)) {
      if (current !== undefined && current.state.entityId !== entityId) {
        yield toPerson(current.state);
        current = undefined;
      }
      const folded = foldInOrder(current, entityId, own);
      if (folded === "out-of-order") throw new Error("events were read out of order");
      current = folded;
    }
  }
  if (current !== undefined) yield toPerson(current.state);
}
