import { expect, test } from "vitest";
import { findPerson, listEvents, listPersons, type PersonFilter } from "../../src/index.ts";
import { eventBody, recordAndSettle, rows, useDatabase } from "../fixture.ts";

const database = useDatabase({ start: "empty" });

const AT = "2026-01-01T00:00:00Z";

test("a walk over the pages sees every person once, while events of all persons arrive", async () => {
  const ids = Array.from({ length: 30 }, (_, i) => `e-${i + 10}`);
  await recordAndSettle(database.pool, ...ids.map((id) => eventBody("NaturalPersonPending", "1", id, AT)));
  const seen: string[] = [];
  for (let after: string | undefined; ;) {
    const { persons, next } = await listPersons(database.pool, {}, { limit: 7, after });
    seen.push(...persons.map(({ entityId }) => entityId));
    if (next === undefined) break;
    after = next;
    // Every person gets an event, and a new person comes before those that were read.
    await recordAndSettle(
      database.pool,
      ...ids.map((id) =>
        eventBody("NaturalPersonUploadedID", next, id, AT, { sessionId: "s", documentType: "d" }),
      ),
    );
    await recordAndSettle(database.pool, eventBody("NaturalPersonPending", "1", `a-${next}`, AT));
  }
  expect(seen).toEqual(ids);
});

test("a status lists exactly the persons who have it", async () => {
  await recordAndSettle(
    database.pool,
    eventBody("NaturalPersonPending", "1", "e-1", AT),
    eventBody("NaturalPersonAutoApproved", "2", "e-2", AT),
    eventBody("NaturalPersonAutoApproved", "3", "e-3", AT),
  );
  expect(await ids({ status: "approved" })).toEqual(["e-2", "e-3"]);
  expect(await ids({ status: "approved", q: "3" })).toEqual(["e-3"]);
  expect(await ids({ status: "unknown" })).toEqual([]);
});

test("any part of name, e-mail or id finds a person, whatever the case, and has no wildcards", async () => {
  await recordAndSettle(
    database.pool,
    eventBody("NaturalPersonPending", "1", "E-100", AT, { entity: "Zoë O'Neil", email: "zoe@one.example" }),
    eventBody("NaturalPersonPending", "2", "e_200", AT, { entity: "100% Ltd", email: "two\\@two.example" }),
    eventBody("NaturalPersonPending", "3", "e-300", AT, { entity: "Nul \0 and \ud800 half", email: null }),
  );
  const findIds = async (q: string) => [await ids({ q }), await ids({ q, knownAt: 10n ** 18n })];
  const both = (...expected: string[]) => [expected, expected];
  expect(await findIds("ZOË")).toEqual(both("E-100"));
  expect(await findIds("@ONE.ex")).toEqual(both("E-100"));
  expect(await findIds("e-1")).toEqual(both("E-100"));
  expect(await findIds("e_2")).toEqual(both("e_200"));
  expect(await findIds("0%")).toEqual(both("e_200"));
  expect(await findIds("o\\@t")).toEqual(both("e_200"));
  expect(await findIds("l \0 and \ud800")).toEqual(both("e-300"));
  expect(await findIds("%")).toEqual(both("e_200"));
  expect(await findIds("nobody")).toEqual(both());
});

test("the new name finds the person, and the old one does not", async () => {
  await recordAndSettle(
    database.pool,
    eventBody("NaturalPersonPending", "1", "e", AT, { entity: "Ada Byron" }),
  );
  await recordAndSettle(
    database.pool,
    eventBody("NaturalPersonPending", "2", "e", "2026-01-02T00:00:00Z", { entity: "Ada Lovelace" }),
  );
  expect(await ids({ q: "byron" })).toEqual([]);
  expect(await ids({ q: "lovelace" })).toEqual(["e"]);
  await database.pool.query("delete from natural_persons");
  expect(await rows(database.pool, "select from person_search")).toEqual([]);
});

test("an event that changes neither name nor e-mail does not write to the search table", async () => {
  const written = () => rows(database.pool, "select xmin::text, ctid::text from person_search");
  await recordAndSettle(database.pool, eventBody("NaturalPersonPending", "1", "e", AT, { entity: "Ada" }));
  const before = await written();
  await recordAndSettle(
    database.pool,
    eventBody("NaturalPersonAutoApproved", "2", "e", "2026-01-02T00:00:00Z", { entity: "Ada" }),
  );
  expect(await ids({ status: "approved", q: "ada" })).toEqual(["e"]);
  expect(await written()).toEqual(before);
});

test("an unknown person is not found", async () => {
  expect(await findPerson(database.pool, "nobody")).toBeUndefined();
  expect(await findPerson(database.pool, "no\0body")).toBeUndefined();
  expect((await listEvents(database.pool, "no\0body", {}, { limit: 5 })).events).toEqual([]);
  expect(await findPerson(database.pool, "nobody", { asOf: 0n })).toBeUndefined();
  expect(await listEvents(database.pool, "nobody", {}, { limit: 5 })).toEqual({
    events: [],
    next: undefined,
  });
});

test("a person's events are listed in the person's order, page by page, with all their deliveries", async () => {
  const [first, ...others] = await recordAndSettle(
    database.pool,
    eventBody("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000003Z", { entity: "Ada" }),
    eventBody("SomethingNew", "1", "e", "2026-01-01T00:00:00.0000002Z"),
    eventBody("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000001Z", { entity: "Ada" }),
    eventBody("NaturalPersonPending", "2", "e", "2026-01-01T00:00:00.0000002Z"),
  );
  const one = await listEvents(database.pool, "e", {}, { limit: 2 });
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
  const two = await listEvents(database.pool, "e", {}, { limit: 2, after: one.next });
  expect(two.events).toMatchObject([
    { event: "SomethingNew", id: "1", recognised: false, deliveries: [{ seq: 2 }] },
  ]);
  expect(two.next).toBeUndefined();
});

async function ids(filter: PersonFilter & { knownAt?: bigint }): Promise<string[]> {
  const { persons } = await listPersons(database.pool, filter, { limit: 100 });
  return persons.map(({ entityId }) => entityId);
}
