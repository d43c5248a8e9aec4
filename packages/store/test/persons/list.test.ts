import { afterEach, beforeEach, expect, test } from "vitest";
import { findPerson, listEvents, listPersons, type PersonFilter } from "../../src/index.ts";
import { body, freshRecord, type Record } from "./record.ts";

let record: Record;
beforeEach(async () => {
  record = await freshRecord();
});
afterEach(() => record.end());

const AT = "2026-01-01T00:00:00Z";

test("a walk over the list sees every person once, while events of theirs and of others arrive", async () => {
  const ids = Array.from({ length: 30 }, (_, i) => `e-${i + 10}`);
  await take(ids.map((id) => body("NaturalPersonPending", "1", id, AT)));
  const seen: string[] = [];
  for (let after: string | undefined; ;) {
    const { persons, next } = await listPersons(record.pool, {}, { limit: 7, after });
    seen.push(...persons.map(({ entityId }) => entityId));
    if (next === undefined) break;
    after = next;
    // Everyone goes on, and somebody new stands before what was read.
    await take(
      ids.map((id) => body("NaturalPersonUploadedID", next, id, AT, { sessionId: "s", documentType: "d" })),
    );
    await take([body("NaturalPersonPending", "1", `a-${next}`, AT)]);
  }
  expect(seen).toEqual(ids);
});

test("a status lists those who have it, and no others", async () => {
  await take([
    body("NaturalPersonPending", "1", "e-1", AT),
    body("NaturalPersonAutoApproved", "2", "e-2", AT),
    body("NaturalPersonAutoApproved", "3", "e-3", AT),
  ]);
  expect(await ids({ status: "approved" })).toEqual(["e-2", "e-3"]);
  expect(await ids({ status: "approved", q: "3" })).toEqual(["e-3"]);
  expect(await ids({ status: "unknown" })).toEqual([]);
});

test("a part of the name, the e-mail or the id finds a person, whatever the case, and nothing in it is a wildcard", async () => {
  await take([
    body("NaturalPersonPending", "1", "E-100", AT, { entity: "Zoë O'Neil", email: "zoe@one.example" }),
    body("NaturalPersonPending", "2", "e_200", AT, { entity: "100% Ltd", email: "two\\@two.example" }),
    body("NaturalPersonPending", "3", "e-300", AT, { entity: "Nul \0 and \ud800 half", email: null }),
  ]);
  const found = async (q: string) => [await ids({ q }), await ids({ q, knownAt: 10n ** 18n })];
  const both = (...expected: string[]) => [expected, expected];
  expect(await found("ZOË")).toEqual(both("E-100"));
  expect(await found("@ONE.ex")).toEqual(both("E-100"));
  expect(await found("e-1")).toEqual(both("E-100"));
  expect(await found("e_2")).toEqual(both("e_200"));
  expect(await found("0%")).toEqual(both("e_200"));
  expect(await found("o\\@t")).toEqual(both("e_200"));
  expect(await found("l \0 and \ud800")).toEqual(both("e-300"));
  expect(await found("%")).toEqual(both("e_200"));
  expect(await found("nobody")).toEqual(both());
});

test("a new name finds the person, and the old one does no more", async () => {
  await take([body("NaturalPersonPending", "1", "e", AT, { entity: "Ada Byron" })]);
  await take([body("NaturalPersonPending", "2", "e", "2026-01-02T00:00:00Z", { entity: "Ada Lovelace" })]);
  expect(await ids({ q: "byron" })).toEqual([]);
  expect(await ids({ q: "lovelace" })).toEqual(["e"]);
  await record.pool.query("delete from natural_persons");
  const left = await record.pool.query("select from person_search");
  expect(left.rowCount).toBe(0);
});

test("a step that leaves name and e-mail alone writes nothing to what is searched", async () => {
  const written = async () =>
    (await record.pool.query("select xmin::text, ctid::text from person_search")).rows;
  await take([body("NaturalPersonPending", "1", "e", AT, { entity: "Ada" })]);
  const before = await written();
  await take([body("NaturalPersonAutoApproved", "2", "e", "2026-01-02T00:00:00Z", { entity: "Ada" })]);
  expect(await ids({ status: "approved", q: "ada" })).toEqual(["e"]);
  expect(await written()).toEqual(before);
});

test("a person of whom nothing was heard is not found", async () => {
  expect(await findPerson(record.pool, "nobody")).toBeUndefined();
  expect(await findPerson(record.pool, "no\0body")).toBeUndefined();
  expect((await listEvents(record.pool, "no\0body", {}, { limit: 5 })).events).toEqual([]);
  expect(await findPerson(record.pool, "nobody", { asOf: 0n })).toBeUndefined();
  expect(await listEvents(record.pool, "nobody", {}, { limit: 5 })).toEqual({ events: [], next: undefined });
});

test("a person's events come in the person's order, page by page, each with all its sends", async () => {
  const [first, ...others] = await take([
    body("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000003Z", { entity: "Ada" }),
    body("SomethingNew", "1", "e", "2026-01-01T00:00:00.0000002Z"),
    body("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000001Z", { entity: "Ada" }),
    body("NaturalPersonPending", "2", "e", "2026-01-01T00:00:00.0000002Z"),
  ]);
  const one = await listEvents(record.pool, "e", {}, { limit: 2 });
  expect(one.events).toMatchObject([
    {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000001Z",
      recognised: true,
      seq: 1,
      deliveryId: first,
      data: { entityId: "e", entity: "Ada" },
      deliveries: [
        { seq: 1, creationTimeUtc: "2026-01-01T00:00:00.0000003Z", deliveryId: first },
        { seq: 3, creationTimeUtc: "2026-01-01T00:00:00.0000001Z", deliveryId: others[1] },
      ],
    },
    { event: "NaturalPersonPending", id: "2", seq: 4, recognised: true },
  ]);
  const two = await listEvents(record.pool, "e", {}, { limit: 2, after: one.next });
  expect(two.events).toMatchObject([
    { event: "SomethingNew", id: "1", recognised: false, deliveries: [{ seq: 2 }] },
  ]);
  expect(two.next).toBeUndefined();
});

async function take(bodies: Buffer[]): Promise<string[]> {
  const deliveryIds = await record.receive(bodies);
  await record.settle(deliveryIds);
  return deliveryIds;
}

async function ids(filter: PersonFilter & { knownAt?: bigint }): Promise<string[]> {
  const { persons } = await listPersons(record.pool, filter, { limit: 100 });
  return persons.map(({ entityId }) => entityId);
}
