import {
  fold,
  identityKey,
  parseDelivery,
  parseTicks,
  toPerson,
  type Event,
  type Person,
  type PointInTime,
} from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { beforeAll, describe, expect, test } from "vitest";
import {
  findPerson,
  listEvents,
  listPersons,
  settle,
  type PersonFilter,
  type Pool,
} from "../../src/index.ts";
import { chunks, recordOneByOne, useRecord } from "../database.ts";
import { eventBody, type TestRecord } from "../fixtures.ts";

describe("the persons of a scenario that is received in one order and processed in another", () => {
  const database = useRecord();
  let today: readonly Person[];
  /** Points in time, each with the persons as of then. */
  let past: readonly { readonly time: PointInTime; readonly expected: readonly Person[] }[];

  beforeAll(async () => {
    const { pool } = database;
    const { webhooks } = scenario({ persons: 25, seed: 11, duplicates: 0.3, shuffle: 0.4 });
    const ids = await recordOneByOne(
      database,
      Iterator.from(webhooks).map(({ body }) => body),
    );
    const processed = [...ids.filter((_, i) => i % 3 === 1), ...ids.filter((_, i) => i % 3 !== 1).reverse()];
    for (const batch of chunks(processed.values(), 50)) await settle(pool, batch, "test");
    const deliveries = await selectReceived(database);
    today = personsAt(deliveries, {});
    const lastTimes = today
      .flatMap(({ lastEventAt }) => parseTicks(lastEventAt ?? "") ?? [])
      .sort((a, b) => Number(a - b));
    const times = [0.2, 0.6, 0.95].flatMap((part): PointInTime[] => {
      const asOf = lastTimes[Math.floor(part * lastTimes.length)] ?? 0n;
      const knownAt = deliveries[Math.floor(part * deliveries.length)]?.receivedTicks ?? 0n;
      // One tick before an event, or before a receipt, is a time without it.
      return [
        { asOf },
        { asOf: asOf - 1n },
        { knownAt },
        { knownAt: knownAt - 1n },
        { asOf, knownAt },
        { asOf: asOf - 1n, knownAt },
        { asOf, knownAt: knownAt - 1n },
      ];
    });
    past = times.map((time) => ({ time, expected: personsAt(deliveries, time) }));
  });

  test("are found as the deliveries of that time give them, exact to the tick", async () => {
    const entityIds = today.map(({ entityId }) => entityId);
    for (const { time, expected } of past) {
      const found = await Promise.all(entityIds.map((id) => findPerson(database.pool, id, time)));
      const byId = new Map(expected.map((person) => [person.entityId, person]));
      expect(found).toEqual(entityIds.map((id) => byId.get(id)));
    }
  });

  test("are listed once each, page by page, with every filter", async () => {
    const filters: PersonFilter[] = [
      {},
      { status: "approved" },
      { q: "ANE" },
      { status: "pending", q: "doe" },
    ];
    for (const { time, expected } of past) {
      const listed = await Promise.all(filters.map((filter) => listAll({ ...filter, ...time }, 7)));
      expect(listed).toEqual(filters.map((filter) => expected.filter((person) => matches(person, filter))));
    }
  });

  test("are listed as they are today without a time and at the end of time", async () => {
    expect(await listAll({}, 9)).toEqual(today);
    expect(await listAll({ knownAt: parseTicks("9999-12-31T00:00:00Z") }, 9)).toEqual(today);
  });

  test("have their events in order, each with the deliveries that were known", async () => {
    const everything = { limit: 1_000 };
    for (const { time, expected } of past) {
      const pages = await Promise.all(
        expected.map(({ entityId }) => listEvents(database.pool, entityId, time, everything)),
      );
      for (const [i, { version, lastEventAt }] of expected.entries()) {
        const { events = [] } = pages[i] ?? {};
        expect(events.length).toBe(version);
        expect(events.at(-1)?.creationTimeUtc).toBe(lastEventAt);
        for (const event of events) {
          const creationTimes = event.deliveries.map(({ creationTimeUtc }) => creationTimeUtc);
          expect(event.creationTimeUtc).toBe(creationTimes.sort()[0]);
          const { knownAt } = time;
          if (knownAt === undefined) continue;
          const received = event.deliveries.map(({ receivedAt }) => parseTicks(receivedAt) ?? 0n);
          expect(received.every((ticks) => ticks <= knownAt)).toBe(true);
        }
      }
    }
  });

  async function listAll(filter: PersonFilter & PointInTime, limit: number): Promise<Person[]> {
    const persons: Person[] = [];
    for (let after: string | undefined; ;) {
      const page = await listPersons(database.pool, filter, { limit, after });
      persons.push(...page.persons);
      if (page.next === undefined) return persons;
      after = page.next;
    }
  }
});

describe("in an empty database", () => {
  const database = useRecord({ start: "empty" });

  test("an event is known from its first receipt on, even if another delivery was processed first", async () => {
    const { pool } = database;
    const [first = "", redelivery = ""] = await recordOneByOne(database, [
      eventBody("e", {
        event: "NaturalPersonPending",
        id: "1",
        creationTimeUtc: "2026-01-01T10:00:00.0000002Z",
      }),
      eventBody("e", {
        event: "NaturalPersonPending",
        id: "1",
        creationTimeUtc: "2026-01-01T10:00:00.0000001Z",
      }),
    ]);
    await settle(pool, [redelivery], "test");
    await settle(pool, [first], "test");
    const received = (await selectReceived(database)).map(({ receivedTicks }) => receivedTicks);
    const [firstAt = 0n, redeliveryAt = 0n] = received;
    const submittedAt = async (knownAt: bigint) =>
      (await findPerson(pool, "e", { knownAt }))?.personalInfoSubmittedAt;
    expect(await submittedAt(firstAt - 1n)).toBeUndefined();
    expect(await submittedAt(firstAt)).toBe("2026-01-01T10:00:00.0000002Z");
    expect(await submittedAt(redeliveryAt - 1n)).toBe("2026-01-01T10:00:00.0000002Z");
    expect(await submittedAt(redeliveryAt)).toBe("2026-01-01T10:00:00.0000001Z");
  });

  test("a page that folded its limit of entries without a match has a next page", async () => {
    const { pool } = database;
    await database.recordAndSettle(
      ...Array.from({ length: 10 }, (_, i) =>
        eventBody("e-00000", { event: "Heard", id: String(i), creationTimeUtc: "2026-01-01T00:00:00Z" }),
      ),
    );
    await copyPerson(pool, 3_000);
    const filter = { status: "approved", asOf: parseTicks("2027-01-01T00:00:00Z") } as const;
    const page = await listPersons(pool, filter, { limit: 10 });
    expect(page.persons).toEqual([]);
    expect(page.next).toMatch(/^e-0[12]\d{3}$/);
    const rest = await listPersons(pool, filter, { limit: 10, after: page.next });
    expect(rest).toEqual({ persons: [], next: undefined });
  });
});

/** Copies the only person's log, each copy for a person of its own. */
async function copyPerson(pool: Pool, copies: number): Promise<void> {
  const entityId = "'e-' || lpad(n::text, 5, '0')";
  await pool.query(
    `insert into streams select ${entityId}, seq, hash from streams, generate_series(1, ${copies}) as n`,
  );
  await pool.query(`insert into events
    select ${entityId}, seq, event, id, ticks, data, data_digest, delivery_id, received_at, delivery_digest, hash,
      append_id, ordinal, recognised
    from events, generate_series(1, ${copies}) as n`);
}

interface Received {
  readonly receivedTicks: bigint;
  readonly body: Buffer;
}

/** Returns the inbox by time of receipt. */
function selectReceived(database: TestRecord): Promise<Received[]> {
  return database.rows<Received>(
    `select body, (extract(epoch from received_at) * 10000000)::bigint as "receivedTicks"
     from deliveries order by received_at`,
  );
}

/** Returns all persons at a point in time, by entity id, from the deliveries alone. */
function personsAt(deliveries: readonly Received[], { asOf, knownAt }: PointInTime): readonly Person[] {
  const events = new Map<string, Event>();
  for (const { receivedTicks, body } of deliveries) {
    const parsed = parseDelivery(body);
    if (!parsed.ok || (knownAt !== undefined && receivedTicks > knownAt)) continue;
    const key = `${parsed.value.entityId} ${identityKey(parsed.value)}`;
    const before = events.get(key);
    if (before === undefined || parsed.value.ticks < before.ticks) events.set(key, parsed.value);
  }
  const past = [...events.values()].filter(({ ticks }) => asOf === undefined || ticks <= asOf);
  return [...Map.groupBy(past, ({ entityId }) => entityId)]
    .flatMap(([entityId, own]) => fold(entityId, own) ?? [])
    .map(({ state }) => toPerson(state))
    .sort((a, b) => (a.entityId < b.entityId ? -1 : 1));
}

function matches(person: Person, { status, q = "" }: PersonFilter): boolean {
  const text = [person.name, person.email, person.entityId].join("\n").toLowerCase();
  return (status === undefined || person.status === status) && text.includes(q.toLowerCase());
}
