import { parseTicks, type PointInTime, type Person } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findPerson, listEvents, listPersons, type PersonFilter } from "../../src/index.ts";
import { body, filesAt, freshRecord, inbox, type Received, type Record } from "./record.ts";

// Each walks the list at many moments.
vi.setConfig({ testTimeout: 5 * 60_000 });

describe("the persons of a simulation, received in one order and processed in another", () => {
  let record: Record;
  let deliveries: readonly Received[];
  let moments: readonly PointInTime[];

  beforeAll(async () => {
    record = await freshRecord();
    const { webhooks } = scenario({ persons: 25, seed: 11, duplicates: 0.3, shuffle: 0.4 });
    const ids = await record.receive(Iterator.from(webhooks).map(({ body }) => body));
    const processed = [...ids.filter((_, i) => i % 3 === 1), ...ids.filter((_, i) => i % 3 !== 1).reverse()];
    for (let i = 0; i < processed.length; i += 50) await record.settle(processed.slice(i, i + 50));
    deliveries = await inbox(record.pool);
    const times = filesAt(deliveries, {}).flatMap(({ lastEventAt }) => parseTicks(lastEventAt ?? "") ?? []);
    moments = [0.2, 0.6, 0.95].flatMap((part) => {
      const asOf = times.toSorted((a, b) => Number(a - b))[Math.floor(part * times.length)] ?? 0n;
      const knownAt = deliveries[Math.floor(part * deliveries.length)]?.receivedTicks ?? 0n;
      // A tick sooner than an event, or than a delivery came in, is a moment without it.
      return [
        ...[{ asOf }, { asOf: asOf - 1n }, { knownAt }, { knownAt: knownAt - 1n }],
        ...[
          { asOf, knownAt },
          { asOf: asOf - 1n, knownAt },
          { asOf, knownAt: knownAt - 1n },
        ],
      ];
    });
  });
  afterAll(() => record.end());

  test("each has the file that the deliveries of then give, exact at the tick", async () => {
    for (const moment of moments) {
      const expected = new Map(filesAt(deliveries, moment).map((person) => [person.entityId, person]));
      for (const { entityId } of filesAt(deliveries, {}))
        expect(await findPerson(record.pool, entityId, moment)).toEqual(expected.get(entityId));
    }
  });

  test("the list of then has each of them once, page by page, filters and all", async () => {
    const filters: PersonFilter[] = [{}, { status: "approved" }, { q: "AN" }, { status: "pending", q: "e" }];
    for (const moment of moments)
      for (const filter of filters) {
        const expected = filesAt(deliveries, moment).filter((person) => isMeant(person, filter));
        expect(await walked({ ...filter, ...moment }, 7)).toEqual(expected);
      }
  });

  test("without a moment, and at the end of time, the list is today's", async () => {
    const today = filesAt(deliveries, {});
    expect(await walked({}, 9)).toEqual(today);
    expect(await walked({ knownAt: parseTicks("9999-12-31T00:00:00Z") }, 9)).toEqual(today);
  });

  test("the events of then stand in their order, with the deliveries that were known", async () => {
    for (const moment of moments)
      for (const { entityId, version, lastEventAt } of filesAt(deliveries, moment)) {
        const { events } = await listEvents(record.pool, entityId, moment, { limit: 1_000 });
        expect(events.length).toBe(version);
        expect(events.at(-1)?.creationTimeUtc).toBe(lastEventAt);
        for (const { creationTimeUtc, deliveries } of events) {
          expect(creationTimeUtc).toBe(deliveries.map((send) => send.creationTimeUtc).sort()[0]);
          const { knownAt } = moment;
          if (knownAt === undefined) continue;
          expect(deliveries.every(({ receivedAt }) => (parseTicks(receivedAt) ?? 0n) <= knownAt)).toBe(true);
        }
      }
  });

  async function walked(filter: PersonFilter & PointInTime, limit: number): Promise<Person[]> {
    const persons: Person[] = [];
    for (let after: string | undefined; ;) {
      const page = await listPersons(record.pool, filter, { limit, after });
      persons.push(...page.persons);
      if (page.next === undefined) return persons;
      after = page.next;
    }
  }
});

test("an event is known from its first received send on, though the workers took up another first", async () => {
  const record = await freshRecord();
  try {
    const [first = "", retry = ""] = await record.receive([
      body("NaturalPersonPending", "1", "e", "2026-01-01T10:00:00.0000002Z"),
      body("NaturalPersonPending", "1", "e", "2026-01-01T10:00:00.0000001Z"),
    ]);
    await record.settle([retry]);
    await record.settle([first]);
    const [one, other] = await inbox(record.pool);
    const known = async (knownAt: bigint) =>
      (await findPerson(record.pool, "e", { knownAt }))?.personalInfoSubmittedAt;
    expect(await known((one?.receivedTicks ?? 0n) - 1n)).toBeUndefined();
    expect(await known(one?.receivedTicks ?? 0n)).toBe("2026-01-01T10:00:00.0000002Z");
    expect(await known((other?.receivedTicks ?? 0n) - 1n)).toBe("2026-01-01T10:00:00.0000002Z");
    expect(await known(other?.receivedTicks ?? 0n)).toBe("2026-01-01T10:00:00.0000001Z");
  } finally {
    await record.end();
  }
});

test("a page that folded its fill without a match still says where to go on", async () => {
  const record = await freshRecord();
  try {
    const bodies = (n: number) =>
      Array.from({ length: 10 }, (_, i) =>
        body("Heard", String(i), `e-${String(n).padStart(5, "0")}`, "2026-01-01T00:00:00Z"),
      );
    await record.settle(await record.receive(bodies(0)));
    await manyMore(record, 3_000);
    const page = await listPersons(
      record.pool,
      { status: "approved", asOf: parseTicks("2027-01-01T00:00:00Z") },
      { limit: 10 },
    );
    expect(page.persons).toEqual([]);
    expect(page.next).toMatch(/^e-0[12]\d{3}$/);
    const rest = await listPersons(
      record.pool,
      { status: "approved", asOf: parseTicks("2027-01-01T00:00:00Z") },
      { limit: 10, after: page.next },
    );
    expect(rest).toEqual({ persons: [], next: undefined });
  } finally {
    await record.end();
  }
});

/** Copies of one person's log, each for a person of its own. */
async function manyMore({ pool }: Record, persons: number): Promise<void> {
  const copy = "'e-' || lpad(n::text, 5, '0')";
  await pool.query(
    `insert into streams select ${copy}, seq, hash from streams, generate_series(1, ${persons}) as n`,
  );
  await pool.query(`insert into events
    select ${copy}, seq, event, id, ticks, data, data_digest, delivery_id, received_at, delivery_digest, hash, append_id,
      ordinal, recognised
    from events, generate_series(1, ${persons}) as n`);
}

function isMeant(person: Person, { status, q = "" }: PersonFilter): boolean {
  const text = [person.name, person.email, person.entityId].join("\n").toLowerCase();
  return (status === undefined || person.status === status) && text.includes(q.toLowerCase());
}
