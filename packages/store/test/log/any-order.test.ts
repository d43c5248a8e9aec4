import {
  fold,
  formatTicks,
  identityKey,
  parseDelivery,
  toPerson,
  type Event,
  type Folded,
  type PersonState,
} from "@dossier/events";
import { scenario, payload } from "@dossier/simulator";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { settle, type Pool } from "../../src/index.ts";
import { freshPool, outcomes, receive } from "../receive.ts";

let database: Awaited<ReturnType<typeof freshPool>>;
beforeAll(async () => (database = await freshPool()));
afterAll(() => database.end());

const MINUTES = 5 * 60_000;

/** How deliveries come: their order, how they are cut into batches, and how many settle them at the same time. */
interface Arrival {
  /** Each delivery, at least once, by its number. */
  readonly order: readonly number[];
  /** How many deliveries are recorded together, and settled together, again and again in turn. */
  readonly batches: readonly number[];
  readonly workers: number;
}

const workers = fc.integer({ min: 1, max: 8 });
const batches = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 });

function arrival(sends: number): fc.Arbitrary<Arrival> {
  const all = Array.from({ length: sends }, (_, number) => number);
  const order = fc.array(fc.nat(sends - 1), { maxLength: sends }).chain((again) =>
    fc.shuffledSubarray([...all, ...again], {
      minLength: sends + again.length,
      maxLength: sends + again.length,
    }),
  );
  return fc.record({ order, batches, workers });
}

/** Lets the bodies arrive. Every delivery must be settled by it, and none as dead. */
async function settleAll(pool: Pool, bodies: readonly Buffer[], arrival: Arrival): Promise<void> {
  const ids = await receive(
    pool,
    arrival.order.map((number) => bodies[number] ?? Buffer.alloc(0)),
  );
  const waiting = cut(ids, arrival.batches);
  async function work(): Promise<void> {
    for (let batch = waiting.shift(); batch !== undefined; batch = waiting.shift()) {
      await settle(pool, batch, "test");
    }
  }
  await Promise.all(Array.from({ length: arrival.workers }, work));
  const ended = await outcomes(pool, ids);
  expect(ended.filter((outcome) => outcome !== "applied" && outcome !== "duplicate")).toEqual([]);
}

function cut<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < items.length;) {
    const size = sizes[parts.length % sizes.length] ?? 1;
    parts.push(items.slice(start, start + size));
    start += size;
  }
  return parts;
}

interface Stored {
  /** The whole row of `natural_persons`, as Postgres writes it. */
  readonly row: string;
  readonly state: string;
  /** The person's events in their order. */
  readonly events: readonly string[];
}

/** What the database says of persons. Fails where a person's entries are not numbered without a gap. */
async function stored(pool: Pool, entityIds: readonly string[]): Promise<Map<string, Stored>> {
  const { rows } = await pool.query<Stored & { entity_id: string; gapless: boolean }>(
    `select entity_id, natural_persons::text as row, state,
       (select array_agg(concat_ws(' ', effective, event, id) order by effective, event, id) from (
          select event, id, least(ticks, (select min(ticks) from redeliveries
            where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id)))
            as effective
          from events where events.entity_id = natural_persons.entity_id) as placed) as events,
       (select array_agg(seq order by seq) from (
          select seq from events where events.entity_id = natural_persons.entity_id
          union all
          select seq from redeliveries where redeliveries.entity_id = natural_persons.entity_id) as entries)
         = (select array_agg(n order by n) from streams, generate_series(1, seq) as n
            where streams.entity_id = natural_persons.entity_id) as gapless
     from natural_persons where entity_id = any ($1)`,
    [entityIds],
  );
  expect(rows.filter(({ gapless }) => !gapless)).toEqual([]);
  return new Map(rows.map(({ entity_id, row, state, events }) => [entity_id, { row, state, events }]));
}

/** What the bodies alone make of each person: each event once, at the earliest time under which it was sent. */
function folded(bodies: readonly Buffer[]): Map<string, Folded & { events: readonly string[] }> {
  const events = new Map<string, Event>();
  for (const body of bodies) {
    const read = parseDelivery(body);
    if (!read.ok) throw new Error(read.error.message);
    const key = `${read.value.entityId} ${identityKey(read.value)}`;
    const before = events.get(key);
    if (before === undefined || read.value.ticks < before.ticks) events.set(key, read.value);
  }
  const persons = Map.groupBy(events.values(), ({ entityId }) => entityId);
  return new Map(
    [...persons].flatMap(([entityId, own]) => {
      const person = fold(entityId, own);
      const order = own
        .toSorted((a, b) => Number(a.ticks - b.ticks) || compare(a.event, b.event) || compare(a.id, b.id))
        .map(({ ticks, event, id }) => `${ticks} ${event} ${id}`);
      return person === undefined ? [] : [[entityId, { ...person, events: order }] as const];
    }),
  );
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

test(
  "journeys give the persons that they tell of, in any order, batches and number of workers",
  { timeout: MINUTES },
  async () => {
    const { pool } = database;
    const made = (seed: number) => {
      const { webhooks, persons } = scenario({ persons: 3, seed, duplicates: 0.3, shuffle: 0.3 });
      return { persons, bodies: [...webhooks].map(({ body }) => body) };
    };
    const journey = fc
      .nat()
      .chain((seed) => fc.record({ seed: fc.constant(seed), arrival: arrival(made(seed).bodies.length) }));
    await fc.assert(
      fc.asyncProperty(journey, async ({ seed, arrival }) => {
        const { persons, bodies } = made(seed);
        await settleAll(pool, bodies, arrival);
        const want = folded(bodies);
        const found = await stored(pool, [...want.keys()]);
        for (const person of persons) {
          const state = found.get(person.entityId)?.state ?? "";
          expect(toPerson(JSON.parse(state) as PersonState)).toEqual(person);
          expect(state).toBe(JSON.stringify(want.get(person.entityId)?.state));
          expect(found.get(person.entityId)?.events).toEqual(want.get(person.entityId)?.events);
        }
      }),
      { numRuns: 100 },
    );
  },
);

const types = [
  "NaturalPersonPending",
  "NaturalPersonStartedIDUpload",
  "NaturalPersonUploadedID",
  "NaturalPersonUploadedSupportingDocument",
  "NaturalPersonManuallyApproved",
  "NaturalPersonAutoApproved",
  "NaturalPersonInvented",
] as const;

// Few values each, so that ids, times and keys meet.
const said = fc.record(
  {
    entity: fc.constantFrom("Ann", "Bob", "", "\u0000", "\ud800", "\u{1f600}é"),
    email: fc.constantFrom("ann@example.com", "BOB@example.com"),
    isClientUpdateRequest: fc.boolean(),
    documentType: fc.constantFrom("passport", "\uffff", "\u{10000}"),
    sessionId: fc.constantFrom("1", "2", "10"),
    supportingDocumentId: fc.constantFrom("1", "2", "\uffff", "\u{10000}"),
    supportingDocumentType: fc.constantFrom("", "income"),
  },
  { requiredKeys: [] },
);
const event = fc.record({
  person: fc.nat(1),
  event: fc.constantFrom(...types),
  id: fc.constantFrom("1", "2", "10", "\uffff", "\u{10000}"),
  times: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
  data: said,
});
const events = fc.uniqueArray(event, {
  minLength: 1,
  maxLength: 12,
  selector: ({ person, event, id }) => JSON.stringify([person, event, id]),
});

const lifes = events.chain((events) => {
  const sends = events.flatMap(({ times, ...rest }) => times.map((time) => ({ ...rest, time })));
  return fc.record({
    sends: fc.constant(sends),
    arrivals: fc.array(arrival(sends.length), { minLength: 2, maxLength: 2 }),
  });
});

test(
  "whatever is told, any two arrivals of it give the same rows byte for byte, and the same order of events",
  { timeout: MINUTES },
  async () => {
    const { pool } = database;
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(lifes, async ({ sends, arrivals }) => {
        const seen = [];
        for (const arrival of arrivals) {
          // Of one length and in one order, as an id that differs is to be all that differs.
          const prefix = `case-${String(runs++).padStart(6, "0")}`;
          const bodies = sends.map(({ person, event, id, time, data }) =>
            Buffer.from(
              JSON.stringify(
                payload({
                  event,
                  id,
                  entityId: `${prefix}-${person}`,
                  creationTimeUtc: formatTicks(17_000_000_000_000_000n + BigInt(time)),
                  data,
                }),
              ),
            ),
          );
          await settleAll(pool, bodies, arrival);
          const want = folded(bodies);
          const found = await stored(pool, [...want.keys()]);
          for (const [entityId, { events }] of want) expect(found.get(entityId)?.events).toEqual(events);
          seen.push(
            JSON.stringify([...found.keys()].sort(compare).map((id) => found.get(id))).replaceAll(
              prefix,
              "case",
            ),
          );
        }
        expect(seen[0]).toBe(seen[1]);
      }),
      { numRuns: 150 },
    );
  },
);
