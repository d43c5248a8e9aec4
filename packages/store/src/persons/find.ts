import {
  foldInOrder,
  toPerson,
  toSearchable,
  type Folded,
  type Person,
  type PersonState,
  type PointInTime,
  type Status,
} from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { MAX_PAGE_BYTES, sql, sqlFile } from "../database/statements.ts";
import { isPossibleId, readEventsAt } from "./events.ts";

/** Selects persons. All conditions that are set must hold. */
export interface PersonFilter {
  readonly entityId?: string | undefined;
  readonly status?: Status | undefined;
  /** A part of the name, the e-mail or the id, whatever the case. */
  readonly q?: string | undefined;
}

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

// Not named, so that they are planned each time: which index is best depends on the values.
const { text: selectPersons } = sqlFile("select_persons");
const { text: searchPersons } = sqlFile("search_persons");

/**
 * Returns a page of persons in the order of their ids, which no event changes, so that a walk over the pages skips no
 * one. With a point in time, the persons are folded from the log as of then; a page may then hold fewer than `limit`, or
 * none, and still have a next one.
 *
 * @param page at most `limit` persons, or fewer if they are large, with ids greater than `after`
 */
export async function listPersons(
  pool: Pool,
  { entityId, status, q, asOf, knownAt }: PersonFilter & PointInTime,
  { limit, after = "" }: { readonly limit: number; readonly after?: string | undefined },
): Promise<PersonPage> {
  const time = { asOf, knownAt };
  if (entityId !== undefined) {
    const person = await findPerson(pool, entityId, time);
    return { persons: person && matches(person, { status, q }) ? [person] : [], next: undefined };
  }
  if (isPast(time)) return listPersonsAt(pool, time, { status, q }, { limit, after });

  const values = [after, status, limit, MAX_PAGE_BYTES];
  const { rows } = await pool.query<{ entity_id: string; state: string; matches: bigint }>(
    q !== undefined
      ? { text: searchPersons, values: [...values, toPattern(q)] }
      : { text: selectPersons, values },
  );
  return {
    persons: rows.map(({ state }) => parseState(state)),
    next: rows.length === limit || rows.length < (rows[0]?.matches ?? 0) ? rows.at(-1)?.entity_id : undefined,
  };
}

function isPast({ asOf, knownAt }: PointInTime): boolean {
  return asOf !== undefined || knownAt !== undefined;
}

function parseState(state: string): Person {
  return toPerson(JSON.parse(state) as PersonState);
}

/** Returns a pattern of SQL's `like` for what contains this text, with its special characters escaped. */
function toPattern(text: string): string {
  return `%${toSearchable(text).replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

function matches(person: Person, { status, q }: PersonFilter): boolean {
  if (status !== undefined && person.status !== status) return false;
  if (q === undefined) return true;
  const part = toSearchable(q);
  return [person.name, person.email, person.entityId].some(
    (text) => text !== null && toSearchable(text).includes(part),
  );
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
  for (let folded = 0; folded < MAX_ENTRIES_OF_PAGE;) {
    const streams = await selectNextStreams(pool, after);
    if (streams.length === 0) return { persons, next: undefined };
    const entityIds = streams.map(({ entityId }) => entityId);
    for await (const person of foldPersonsAt(pool, entityIds, time)) {
      if (!matches(person, filter)) continue;
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
): Promise<{ entityId: string; entries: number }[]> {
  const { rows } = await pool.query<{ entity_id: string; entries: bigint }>({
    ...nextStreams,
    values: [after, MAX_PERSONS, MAX_ENTRIES],
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
  for await (const events of readEventsAt(pool, entityIds, time)) {
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
