import { payload } from "@dossier/simulator";
import { expect, test } from "vitest";
import { discard, migrate, redrive, settle } from "../../src/index.ts";
import { idsOf, openTransaction, settleBody, useRecord } from "../database.ts";
import { eventBody, openRecord } from "../fixtures.ts";

const database = useRecord();

let persons = 0;
/** Makes bodies of events of a person whom no other test uses. */
function newPerson() {
  const entityId = `person-${persons++}`;
  return {
    entityId,
    body: (given: Partial<Parameters<typeof payload>[0]> = {}) =>
      JSON.stringify(payload({ event: "NaturalPersonPending", id: "1", entityId, ...given })),
  };
}

const early = "2026-01-01T00:00:00.0000001Z";
const late = "2026-01-02T00:00:00.0000000Z";
const eventsOf = (entityId: string) =>
  database.rows("select seq, event, id, ticks from events where entity_id = $1 order by seq", [entityId]);
const stateOf = async (entityId: string) => {
  const [row] = await database.rows<{ state: string }>(
    "select state from natural_persons where entity_id = $1",
    [entityId],
  );
  return JSON.parse(row?.state ?? "null") as Record<string, unknown>;
};

test("a batch settles each delivery by its content", async () => {
  const { pool } = database;
  const { entityId, body } = newPerson();
  const ids = await database.record(
    body({ creationTimeUtc: late }),
    body({ creationTimeUtc: late }),
    body({ data: { entity: "Somebody Else" } }),
    "not JSON",
    JSON.stringify({ event: "NaturalPersonPending", id: "2", creationTimeUtc: late, data: {} }),
    body({ event: "NaturalPersonInvented", id: "1", creationTimeUtc: late }),
  );
  const settled = await settle(pool, ids, "1.2.3");

  expect(await database.statuses(ids)).toEqual([
    "applied",
    "duplicate",
    "conflicting-duplicate",
    "unparsable",
    "invalid-event",
    "applied",
  ]);
  const dead = (reason: string) => ({ kind: "dead-lettered", deadLetter: { reason } });
  expect(ids.map((id) => settled.get(id))).toMatchObject([
    { kind: "applied" },
    { kind: "duplicate" },
    dead("conflicting-duplicate"),
    dead("unparsable"),
    dead("invalid-event"),
    { kind: "applied" },
  ]);
  expect(
    await database.rows(
      `select reason, issues, event, id, entity_id, code_version from dead_letters
       where delivery_id = any ($1) order by reason`,
      [ids],
    ),
  ).toEqual([
    {
      reason: "conflicting-duplicate",
      issues: expect.stringContaining("data.entity") as string,
      event: "NaturalPersonPending",
      id: "1",
      entity_id: entityId,
      code_version: "1.2.3",
    },
    {
      reason: "invalid-event",
      issues: expect.stringContaining("data.entityId") as string,
      event: "NaturalPersonPending",
      id: "2",
      entity_id: null,
      code_version: "1.2.3",
    },
    { reason: "unparsable", issues: "[]", event: null, id: null, entity_id: null, code_version: "1.2.3" },
  ]);
  expect(await database.rows("select from open_deliveries where delivery_id = any ($1)", [ids])).toEqual([]);
  expect(await stateOf(entityId)).toMatchObject({ name: "John Doe", version: 2, unrecognisedEvents: 1 });
});

test("a delivery that is settled again changes nothing", async () => {
  const { pool } = database;
  const { entityId, body } = newPerson();
  const ids = await database.record(body());
  await settle(pool, ids, "test");
  const before = await database.rows("select ctid, xmin::text, * from natural_persons where entity_id = $1", [
    entityId,
  ]);
  expect(await settle(pool, [...ids, ...ids], "test")).toEqual(new Map([[ids[0], { kind: "not-open" }]]));
  expect(
    await database.rows("select ctid, xmin::text, * from natural_persons where entity_id = $1", [entityId]),
  ).toEqual(before);
  expect(await eventsOf(entityId)).toHaveLength(1);
});

test("an empty batch, or an unknown delivery, changes nothing", async () => {
  const unknown = "01890000-0000-7000-8000-000000000000";
  expect(await settle(database.pool, [], "test")).toEqual(new Map());
  expect(await settle(database.pool, [unknown], "test")).toEqual(new Map([[unknown, { kind: "unknown" }]]));
});

test("a delivery that another transaction has locked is skipped without waiting", async () => {
  const { pool } = database;
  const { body } = newPerson();
  const [held, free] = await database.record(body(), body({ event: "NaturalPersonInvented" }));
  const lock = "select from open_deliveries where delivery_id = $1 for update";
  const other = await openTransaction(pool, lock, [held]);
  const settled = await settle(pool, [held ?? "", free ?? ""], "test");
  await other.rollback();
  expect(settled).toEqual(
    new Map([
      [held, { kind: "not-open" }],
      [free, { kind: "applied" }],
    ]),
  );
  expect(idsOf(await settle(pool, [held ?? ""], "test"), "applied")).toEqual([held]);
});

test("a redelivery with an earlier time moves its event, and the person is refolded", async () => {
  const { entityId, body } = newPerson();
  const name = (entity: string) => ({ data: { entity } });
  await settleBody(database, body({ id: "1", creationTimeUtc: "2026-01-05T00:00:00Z", ...name("Second") }));
  await settleBody(database, body({ id: "2", creationTimeUtc: "2026-01-04T00:00:00Z", ...name("First") }));
  expect(await stateOf(entityId)).toMatchObject({
    name: "Second",
    firstEventAt: "2026-01-04T00:00:00.0000000Z",
  });
  const retry = body({ id: "1", creationTimeUtc: "2026-01-03T00:00:00Z", attempt: 2, ...name("Second") });
  expect(await settleBody(database, retry)).toBe("duplicate");
  expect(await stateOf(entityId)).toMatchObject({
    name: "First",
    version: 2,
    firstEventAt: "2026-01-03T00:00:00.0000000Z",
    lastEventAt: "2026-01-04T00:00:00.0000000Z",
  });
});

test("a redelivery changes the person only if it is earlier than all deliveries before it", async () => {
  const { entityId, body } = newPerson();
  const settleAt = async (day: number) =>
    settleBody(database, body({ creationTimeUtc: `2026-01-0${day}T00:00:00Z`, attempt: day }));
  expect([
    await settleAt(5),
    await settleAt(3),
    await settleAt(4),
    await settleAt(3),
    await settleAt(2),
  ]).toEqual(["applied", ...Array<string>(4).fill("duplicate")]);
  expect(
    await database.rows(
      "select seq, append_id is not null as changes from redeliveries where entity_id = $1 order by seq",
      [entityId],
    ),
  ).toEqual([
    { seq: 2n, changes: true },
    { seq: 3n, changes: false },
    { seq: 4n, changes: false },
    { seq: 5n, changes: true },
  ]);
});

test("a redelivery with a later time does not change the person", async () => {
  const { entityId, body } = newPerson();
  await settleBody(database, body({ creationTimeUtc: early }));
  const before = await stateOf(entityId);
  expect(await settleBody(database, body({ creationTimeUtc: late, attempt: 6 }))).toBe("duplicate");
  expect(await stateOf(entityId)).toEqual(before);
});

test("one id with two types is two events", async () => {
  const { entityId, body } = newPerson();
  expect(await settleBody(database, body({ event: "NaturalPersonManuallyApproved", id: "253" }))).toBe(
    "applied",
  );
  expect(await settleBody(database, body({ event: "NaturalPersonAutoApproved", id: "253" }))).toBe("applied");
  expect(await eventsOf(entityId)).toHaveLength(2);
});

test("one event id of two persons is two events", async () => {
  expect(await settleBody(database, newPerson().body())).toBe("applied");
  expect(await settleBody(database, newPerson().body())).toBe("applied");
});

test("a duplicate is recognised a year later, by another process, without its settlements", async (context) => {
  const { pool, url } = database;
  const { entityId, body } = newPerson();
  expect(await settleBody(database, body({ creationTimeUtc: early }))).toBe("applied");
  await pool.query("delete from settlements");
  await migrate(url);
  const later = await openRecord(context, { url, size: 1 });
  expect(await settleBody(later, body({ creationTimeUtc: "2027-01-01T00:00:00Z" }))).toBe("duplicate");
  expect(await settleBody(later, body({ data: { entity: "Somebody Else" } }))).toBe("conflicting-duplicate");
  expect(await eventsOf(entityId)).toHaveLength(1);
});

test.for([
  ["in order", late],
  ["out of order", early],
] as const)(
  "an error of the outcomes is thrown as it is, beside an event %s",
  async ([_case, time], context) => {
    const { pool, record } = await openRecord(context);
    const { body } = newPerson();
    await settle(pool, await record(body({ creationTimeUtc: late })), "test");
    const ids = await record(body({ id: "2", creationTimeUtc: time }), "not JSON");
    await pool.query(`
    create function refuse() returns trigger language plpgsql as $$
    begin raise invalid_parameter_value; end $$`);
    await pool.query(
      "create trigger refused before delete on open_deliveries for each row execute function refuse()",
    );
    await expect(settle(pool, ids, "test")).rejects.toMatchObject({ code: "22023" });
    await pool.query("drop trigger refused on open_deliveries");
    expect([...(await settle(pool, ids, "test")).values()].map(({ kind }) => kind).toSorted()).toEqual([
      "applied",
      "dead-lettered",
    ]);
  },
);

test("Postgres itself refuses a second row of one event", async () => {
  const { pool } = database;
  const { entityId, body } = newPerson();
  await settleBody(database, body());
  const again = pool.query(
    `insert into events select entity_id, seq + 1, event, id, ticks, data, data_digest, delivery_id, received_at,
       delivery_digest, hash, append_id, ordinal, recognised from events where entity_id = $1`,
    [entityId],
  );
  await expect(again).rejects.toThrow('unique constraint "events_identity"');
});

test("a duplicate is settled while a conflicting duplicate is a dead letter", async () => {
  const { pool } = database;
  const { entityId, body } = newPerson();
  const conflict = body({ data: { entity: "Somebody Else" } });
  expect(await settleBody(database, body())).toBe("applied");
  const [dead] = await database.record(conflict);
  await settle(pool, [dead ?? ""], "test");
  expect(await settleBody(database, conflict)).toBe("conflicting-duplicate");
  expect(await settleBody(database, body())).toBe("duplicate");
  expect(await database.statuses([dead ?? ""])).toEqual(["conflicting-duplicate"]);
  expect(await eventsOf(entityId)).toHaveLength(1);
});

test("a redriven dead letter is settled again; a discarded one is not", async () => {
  const { pool } = database;
  const ids = await database.record("not JSON", "nor this");
  const [redriven = "", discarded = ""] = ids;
  await settle(pool, ids, "1");
  const decision = { decidedBy: "Olga", reason: "test" };
  await redrive(pool, [redriven], decision);
  await discard(pool, [discarded], decision);
  expect(await database.statuses(ids)).toEqual(["open", "discarded"]);
  const settled = await settle(pool, ids, "2");
  expect(idsOf(settled, "dead-lettered")).toEqual([redriven]);
  expect(await database.statuses(ids)).toEqual(["unparsable", "discarded"]);
});

test("an entry has its delivery's digest and time of receipt, to the microsecond", async () => {
  const { entityId, body } = newPerson();
  await settleBody(database, body());
  expect(
    await database.rows(
      `select events.received_at = deliveries.received_at as same, delivery_digest = digest as digested
       from events join deliveries using (delivery_id) where entity_id = $1`,
      [entityId],
    ),
  ).toEqual([{ same: true, digested: true }]);
});

test("a transaction that fails leaves no change, and its deliveries can be settled later", async () => {
  const { pool } = database;
  const { entityId, body } = newPerson();
  const ids = await database.record(body());
  await pool.query(
    "alter table settlements add constraint full_disk check (settled_as <> 'applied') not valid",
  );
  await expect(settle(pool, ids, "test")).rejects.toThrow("full_disk");
  expect(await eventsOf(entityId)).toEqual([]);
  expect(await database.rows("select from streams where entity_id = $1", [entityId])).toEqual([]);
  await pool.query("alter table settlements drop constraint full_disk");
  expect(idsOf(await settle(pool, ids, "test"), "applied")).toEqual(ids);
});

const LARGE = 3 * 1024 * 1024;
const PERSONS = ["large-a", "large-b", "large-c", "large-d"];

test("deliveries beyond 8 MiB of bodies are left open, and settled next", async () => {
  const ids = await database.record(
    ...PERSONS.map((person) => eventBody(person, { data: { entity: "x".repeat(LARGE) } })),
  );
  expect([...(await settle(database.pool, ids, "test")).keys()]).toEqual(ids.slice(0, 3));
  expect(await database.statuses(ids)).toEqual(["applied", "applied", "applied", "open"]);
  expect((await settle(database.pool, ids, "test")).get(ids[3]!)).toEqual({ kind: "applied" });
});

test("deliveries of persons whose states are beyond 8 MiB are left open, and settled next", async () => {
  for (const person of PERSONS)
    await database.recordAndSettle(eventBody(person, { data: { entity: "x".repeat(LARGE) } }));
  const ids = await database.record(...PERSONS.map((person) => eventBody(person, { id: "2" })));
  expect([...(await settle(database.pool, ids, "test")).keys()]).toEqual(ids.slice(0, 3));
  expect((await settle(database.pool, ids, "test")).get(ids[3]!)).toEqual({ kind: "applied" });
});
