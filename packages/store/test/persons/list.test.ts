import { parseTicks, type PointInTime } from "@dossier/events";
import { encode } from "@dossier/simulator";
import { expect, test } from "vitest";
import { countPersons, findPerson, listEvents, listPersons, type PersonFilter } from "../../src/index.ts";
import { tamper, useRecord } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const AT = "2026-01-01T00:00:00Z";

test("a walk over the pages sees every person once, while events of all persons arrive", async () => {
  const ids = Array.from({ length: 30 }, (_, i) => `e-${i + 10}`);
  await database.recordAndSettle(
    ...ids.map((id) => eventBody(id, { event: "NaturalPersonPending", id: "1", creationTimeUtc: AT })),
  );
  const seen: string[] = [];
  for (let after: string | undefined; ;) {
    const { persons, next } = await listPersons(database.pool, {}, { limit: 7, after });
    seen.push(...persons.map(({ entityId }) => entityId));
    if (next === undefined) break;
    after = next;
    // Every person gets an event, and a new person comes before those that were read.
    await database.recordAndSettle(
      ...ids.map((id) =>
        eventBody(id, {
          event: "NaturalPersonUploadedID",
          id: next,
          creationTimeUtc: AT,
          data: { sessionId: "s", documentType: "d" },
        }),
      ),
    );
    await database.recordAndSettle(
      eventBody(`a-${next}`, { event: "NaturalPersonPending", id: "1", creationTimeUtc: AT }),
    );
  }
  expect(seen).toEqual(ids);
});

test("a status lists exactly the persons who have it", async () => {
  await database.recordAndSettle(
    eventBody("e-1", { event: "NaturalPersonPending", id: "1", creationTimeUtc: AT }),
    eventBody("e-2", { event: "NaturalPersonAutoApproved", id: "2", creationTimeUtc: AT }),
    eventBody("e-3", { event: "NaturalPersonAutoApproved", id: "3", creationTimeUtc: AT }),
  );
  expect(await ids({ status: "approved" })).toEqual(["e-2", "e-3"]);
  expect(await ids({ status: "approved", q: "3" })).toEqual(["e-3"]);
  expect(await ids({ status: "unknown" })).toEqual([]);
});

test("persons are listed who need a review, or have events of an unknown type, also as of a time", async () => {
  await database.recordAndSettle(
    eventBody("e-1", { event: "NaturalPersonPending", id: "1", creationTimeUtc: AT }),
    eventBody("e-1", { event: "SomethingNew", id: "1", creationTimeUtc: AT }),
    eventBody("e-2", { event: "NaturalPersonAutoApproved", id: "2", creationTimeUtc: AT }),
    eventBody("e-2", {
      event: "NaturalPersonPending",
      id: "3",
      creationTimeUtc: "2026-02-01T00:00:00Z",
      data: { isClientUpdateRequest: true },
    }),
    eventBody("e-3", { event: "NaturalPersonAutoApproved", id: "3", creationTimeUtc: AT }),
  );
  const after = parseTicks("2026-03-01T00:00:00Z");
  for (const asOf of [undefined, after]) {
    expect(await ids({ reviewNeeded: true, asOf })).toEqual(["e-2"]);
    expect(await ids({ unknownEvents: true, asOf })).toEqual(["e-1"]);
    expect(await ids({ unknownEvents: true, reviewNeeded: true, asOf })).toEqual([]);
  }
  expect(await ids({ reviewNeeded: true, asOf: parseTicks(AT) })).toEqual([]);
  // As after an update that knows the type.
  await tamper(
    database.pool,
    "update events set event = 'NaturalPersonUploadedID' where event = 'SomethingNew'",
  );
  expect(await ids({ unknownEvents: true })).toEqual([]);
});

test("a whole e-mail in any case or a whole id finds a person, and no part of one does", async () => {
  const persons = [
    ["e-1", "one@mail.example", "Zoë"],
    ["E-1", "one@mail.example.com", "Zoë"],
    ["a@b", "o%e@mail.example", "b@a"],
  ] as const;
  await database.recordAndSettle(
    ...persons.map(([id, email, entity]) =>
      eventBody(id, { id: "1", creationTimeUtc: AT, data: { email, entity } }),
    ),
  );
  for (const knownAt of [undefined, parseTicks("2999-01-01T00:00:00Z")]) {
    const found = (whole: string) => ids({ whole, knownAt });
    expect(await found("ONE@mail.example")).toEqual(["e-1"]);
    expect(await found("o%e@mail.example")).toEqual(["a@b"]);
    expect(await found("a@b")).toEqual(["a@b"]);
    expect(await found("E-1")).toEqual(["E-1"]);
    for (const part of ["one@mail", "@", "e-", "Zoë", "mail.example", "a\0"])
      expect(await found(part)).toEqual([]);
    expect(await ids({ whole: "e-1", entityId: "E-1", knownAt })).toEqual([]);
  }
  expect(await countPersons(database.pool, { whole: "one@mail.example" })).toEqual({
    count: 1,
    isMore: false,
  });
  expect(await countPersons(database.pool, { whole: "a\0" })).toEqual({ count: 0, isMore: false });
});

test("persons are counted exactly up to 10,000", async () => {
  const add = (n: number) =>
    database.rows(
      `insert into natural_persons
       select 'p' || n, 'pending', n <= 3, 'p' || n, '{}', 0, '', '', 1 from generate_series($1::int, $2::int) as n`,
      [n === 0 ? 1 : n, n === 0 ? 10_000 : n],
    );
  await add(0);
  expect(await countPersons(database.pool, {})).toEqual({ count: 10_000, isMore: false });
  expect(await countPersons(database.pool, { reviewNeeded: true })).toEqual({ count: 3, isMore: false });
  expect(await countPersons(database.pool, { status: "approved" })).toEqual({ count: 0, isMore: false });
  await add(10_001);
  expect(await countPersons(database.pool, { q: "p" })).toEqual({ count: 10_000, isMore: true });
});

test("any part of name, e-mail or id finds a person, whatever the case, and has no wildcards", async () => {
  await database.recordAndSettle(
    eventBody("E-100", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: AT,
      data: { entity: "Zoë O'Neil", email: "zoe@one.example" },
    }),
    eventBody("e_200", {
      event: "NaturalPersonPending",
      id: "2",
      creationTimeUtc: AT,
      data: { entity: "100% Ltd", email: "two\\@two.example" },
    }),
    encode({
      event: "NaturalPersonPending",
      id: "3",
      creationTimeUtc: AT,
      data: { entityId: "e-300", entity: "Nul \0 and \ud800 half", email: null },
    }),
  );
  const findIds = async (q: string) => [await ids({ q }), await ids({ q, knownAt: 10n ** 18n })];
  const both = (...expected: string[]) => [expected, expected];
  expect(await findIds("ZOË")).toEqual(both("E-100"));
  expect(await findIds("@ONE.ex")).toEqual(both("E-100"));
  expect(await findIds("e-1")).toEqual(both("E-100"));
  expect(await findIds("e_2")).toEqual(both("e_200"));
  expect(await findIds("00%")).toEqual(both("e_200"));
  expect(await findIds("o\\@t")).toEqual(both("e_200"));
  expect(await findIds("l \0 and \ud800")).toEqual(both("e-300"));
  expect(await findIds("%")).toEqual(both("e_200"));
  expect(await findIds("nobody")).toEqual(both());
});

test("a name is found by any part, of one character too, in whichever way it is written", async () => {
  const names = ["Οδυσσεύς", "Zoë Straße", "李小龍", "İnci\u00A0Ａda", "한글"];
  await database.recordAndSettle(
    ...names.map((entity, i) =>
      eventBody(`e-${i}`, { event: "NaturalPersonPending", id: "1", creationTimeUtc: AT, data: { entity } }),
    ),
  );
  const findIds = async (q: string) => [await ids({ q }), await ids({ q, knownAt: 10n ** 18n })];
  for (const [q, id] of [
    ["ΔΥΣΣΕΎΣ", "e-0"],
    ["zoe\u0308 STRASSE", "e-1"],
    ["李", "e-2"],
    ["小龍", "e-2"],
    ["INCI ADA", "e-3"],
    ["한".normalize("NFD"), "e-4"],
  ] as const)
    expect.soft(await findIds(q), q).toEqual([[id], [id]]);
});

test("the new name finds the person, and the old one does not", async () => {
  await database.recordAndSettle(
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: AT,
      data: { entity: "Ada Byron" },
    }),
  );
  await database.recordAndSettle(
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "2",
      creationTimeUtc: "2026-01-02T00:00:00Z",
      data: { entity: "Ada Lovelace" },
    }),
  );
  expect(await ids({ q: "byron" })).toEqual([]);
  expect(await ids({ q: "lovelace" })).toEqual(["e"]);
  await database.pool.query("delete from natural_persons");
  expect(await database.rows("select from person_search")).toEqual([]);
});

test("an event that changes neither name nor e-mail does not write to the search table", async () => {
  const written = () => database.rows("select xmin::text, ctid::text from person_search");
  await database.recordAndSettle(
    eventBody("e", { event: "NaturalPersonPending", id: "1", creationTimeUtc: AT, data: { entity: "Ada" } }),
  );
  const before = await written();
  await database.recordAndSettle(
    eventBody("e", {
      event: "NaturalPersonAutoApproved",
      id: "2",
      creationTimeUtc: "2026-01-02T00:00:00Z",
      data: { entity: "Ada" },
    }),
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
  const [first, ...others] = await database.recordAndSettle(
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000003Z",
      data: { entity: "Ada" },
    }),
    eventBody("e", { event: "SomethingNew", id: "1", creationTimeUtc: "2026-01-01T00:00:00.0000002Z" }),
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000001Z",
      data: { entity: "Ada" },
    }),
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "2",
      creationTimeUtc: "2026-01-01T00:00:00.0000002Z",
    }),
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

async function ids(filter: PersonFilter & PointInTime): Promise<string[]> {
  const { persons } = await listPersons(database.pool, filter, { limit: 100 });
  return persons.map(({ entityId }) => entityId);
}
