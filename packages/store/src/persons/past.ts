import {
  eventsAt,
  fold,
  fromLog,
  identityKey,
  parseJson,
  toPerson,
  type JsonObject,
  type PointInTime,
  type Person,
} from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { selectPersonDeliveries } from "./deliveries.ts";
import { matches, type PersonFilter, type PersonPage } from "./query.ts";

/** What is folded at a time: bounds the memory, unless one person has more entries. */
const PERSONS_AT_A_TIME = 500;
const ENTRIES_AT_A_TIME = 5_000;
/** What is folded for one page at the most, found or not: bounds the time. */
const ENTRIES_A_PAGE = 20_000;

export async function findPastPerson(
  pool: Pool,
  entityId: string,
  moment: PointInTime,
): Promise<Person | undefined> {
  return (await personsAt(pool, [entityId], moment)).get(entityId);
}

/** As `listPersons` with a moment. */
export async function listPastPersons(
  pool: Pool,
  filter: PersonFilter,
  moment: PointInTime,
  { limit, after: start }: { readonly limit: number; readonly after: string },
): Promise<PersonPage> {
  const persons: Person[] = [];
  let after = start;
  for (let folded = 0; folded < ENTRIES_A_PAGE;) {
    const streams = await nextStreams(pool, after);
    if (streams.length === 0) return { persons, next: undefined };
    const past = await personsAt(
      pool,
      streams.map(({ entityId }) => entityId),
      moment,
    );
    for (const { entityId, entries } of streams) {
      after = entityId;
      folded += entries;
      const person = past.get(entityId);
      if (person !== undefined && matches(person, filter)) persons.push(person);
      if (persons.length === limit) return { persons, next: after };
    }
  }
  return { persons, next: after };
}

const selectStreams = statement("select_streams");

async function nextStreams(pool: Pool, after: string): Promise<{ entityId: string; entries: number }[]> {
  const { rows } = await pool.query<{ entity_id: string; entries: bigint }>({
    ...selectStreams,
    values: [after, PERSONS_AT_A_TIME, ENTRIES_AT_A_TIME],
  });
  return rows.map(({ entity_id, entries }) => ({ entityId: entity_id, entries: Number(entries) }));
}

/** The files of these persons at a moment; those of whom nothing was known are not among them. */
async function personsAt(
  pool: Pool,
  entityIds: readonly string[],
  moment: PointInTime,
): Promise<ReadonlyMap<string, Person>> {
  const deliveries = await selectPersonDeliveries(pool, entityIds, { withData: true });
  const persons = new Map<string, Person>();
  for (const [entityId, own] of Map.groupBy(deliveries, (send) => send.entityId)) {
    const dataOf = new Map(
      own.map((send) => [identityKey(send), send.data] as const).filter(([, data]) => data !== null),
    );
    const events = eventsAt(own, moment).map(({ event, id, ticks }) => {
      const data = parseJson(dataOf.get(identityKey({ event, id })) ?? "{}") as JsonObject;
      return fromLog({ entityId, event, id, ticks, data });
    });
    const folded = fold(entityId, events);
    if (folded !== undefined) persons.set(entityId, toPerson(folded.state));
  }
  return persons;
}
