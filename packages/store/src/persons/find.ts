import { toPerson, type PointInTime, type Person, type PersonState } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { findPastPerson, listPastPersons } from "./past.ts";
import { containing, couldBeId, type PersonFilter, type PersonPage } from "./query.ts";

// Planned anew each time, for what is asked decides which index serves.
const { text: selectPersons } = statement("select_persons");
const { text: searchPersons } = statement("search_persons");

/**
 * The persons' files in the order of their ids, which no event changes: a walk over the pages skips no one. With a
 * moment, the files of then, folded from the log; a page may then hold fewer than `limit`, or none, and still have
 * a next one.
 *
 * @param page at most `limit` persons, whose ids come after `after`
 */
export async function listPersons(
  pool: Pool,
  { status, q, asOf, knownAt }: PersonFilter & PointInTime,
  { limit, after = "" }: { readonly limit: number; readonly after?: string | undefined },
): Promise<PersonPage> {
  if (asOf !== undefined || knownAt !== undefined)
    return listPastPersons(pool, { status, q }, { asOf, knownAt }, { limit, after });

  const values = [after, status, limit];
  const { rows } = await pool.query<{ entity_id: string; state: string }>(
    q !== undefined
      ? { text: searchPersons, values: [...values, containing(q)] }
      : { text: selectPersons, values },
  );
  return {
    persons: rows.map(({ state }) => read(state)),
    next: rows.length < limit ? undefined : rows.at(-1)?.entity_id,
  };
}

const selectPerson = statement("select_person");

/** A person's file, with a moment the one of then; `undefined` where nothing was known of the person. */
export async function findPerson(
  pool: Pool,
  entityId: string,
  { asOf, knownAt }: PointInTime = {},
): Promise<Person | undefined> {
  if (!couldBeId(entityId)) return undefined;
  if (asOf !== undefined || knownAt !== undefined) return findPastPerson(pool, entityId, { asOf, knownAt });
  const { rows } = await pool.query<{ state: string }>({ ...selectPerson, values: [entityId] });
  return rows[0] && read(rows[0].state);
}

function read(state: string): Person {
  return toPerson(JSON.parse(state) as PersonState);
}
