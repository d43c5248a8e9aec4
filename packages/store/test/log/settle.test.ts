import { payload } from "@dossier/simulator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { discard, migrate, openPool, redrive, settle } from "../../src/index.ts";
import { freshPool, idsOf, outcomes, receive, rows, told } from "../receive.ts";

let database: Awaited<ReturnType<typeof freshPool>>;
beforeAll(async () => (database = await freshPool()));
afterAll(() => database.end());

let persons = 0;
/** A send of one event of a person whom no other test knows. */
function person() {
  const entityId = `person-${persons++}`;
  return {
    entityId,
    send: (given: Partial<Parameters<typeof payload>[0]> = {}) =>
      JSON.stringify(payload({ event: "NaturalPersonPending", id: "1", entityId, ...given })),
  };
}

const early = "2026-01-01T00:00:00.0000001Z";
const late = "2026-01-02T00:00:00.0000000Z";
const eventsOf = (entityId: string) =>
  rows(database.pool, "select seq, event, id, ticks from events where entity_id = $1 order by seq", [
    entityId,
  ]);
const stateOf = async (entityId: string) => {
  const [row] = await rows(database.pool, "select state from natural_persons where entity_id = $1", [
    entityId,
  ]);
  return JSON.parse((row as { state: string }).state) as Record<string, unknown>;
};

test("a batch settles each delivery by what it is", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  const ids = await receive(pool, [
    send({ creationTimeUtc: late }),
    send({ creationTimeUtc: late }),
    send({ data: { entity: "Somebody Else" } }),
    "not JSON",
    JSON.stringify({ event: "NaturalPersonPending", id: "2", creationTimeUtc: late, data: {} }),
    send({ event: "NaturalPersonInvented", id: "1", creationTimeUtc: late }),
  ]);
  const settled = await settle(pool, ids, "1.2.3");

  expect(await outcomes(pool, ids)).toEqual([
    "applied",
    "duplicate",
    "dead-lettered",
    "dead-lettered",
    "dead-lettered",
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
    await rows(
      pool,
      `select reason, issues, event, id, entity_id, code_version from dead_letters
       where delivery_id = any ($1) order by reason`,
      [ids],
    ),
  ).toEqual([
    {
      reason: "conflicting-duplicate",
      issues: "[]",
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
  expect(await rows(pool, "select from open_deliveries where delivery_id = any ($1)", [ids])).toEqual([]);
  expect(await stateOf(entityId)).toMatchObject({ name: "John Doe", version: 2, unrecognisedEvents: 1 });
});

test("settled again, alone or with others, a delivery changes nothing", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  const ids = await receive(pool, [send()]);
  await settle(pool, ids, "test");
  const before = await rows(pool, "select ctid, xmin::text, * from natural_persons where entity_id = $1", [
    entityId,
  ]);
  expect(await settle(pool, [...ids, ...ids], "test")).toEqual(new Map([[ids[0], { kind: "not-open" }]]));
  expect(
    await rows(pool, "select ctid, xmin::text, * from natural_persons where entity_id = $1", [entityId]),
  ).toEqual(before);
  expect(await eventsOf(entityId)).toHaveLength(1);
});

test("settling nothing, or what was never recorded, does nothing", async () => {
  const unknown = "01890000-0000-7000-8000-000000000000";
  expect(await settle(database.pool, [], "test")).toEqual(new Map());
  expect(await settle(database.pool, [unknown], "test")).toEqual(new Map([[unknown, { kind: "not-open" }]]));
});

test("a delivery that another transaction holds is left to it, and nobody waits", async () => {
  const { pool } = database;
  const { send } = person();
  const [held, free] = await receive(pool, [send(), send({ event: "NaturalPersonInvented" })]);
  const other = await pool.connect();
  await other.query("begin");
  await other.query("select from open_deliveries where delivery_id = $1 for update", [held]);
  const settled = await settle(pool, [held ?? "", free ?? ""], "test");
  await other.query("rollback");
  other.release();
  expect(settled).toEqual(
    new Map([
      [held, { kind: "not-open" }],
      [free, { kind: "applied" }],
    ]),
  );
  expect(idsOf(await settle(pool, [held ?? ""], "test"), "applied")).toEqual([held]);
});

test("a redelivery that carries an earlier time moves its event, and the person is folded again", async () => {
  const { entityId, send } = person();
  const { pool } = database;
  const name = (entity: string) => ({ data: { entity } });
  await told(pool, send({ id: "1", creationTimeUtc: "2026-01-05T00:00:00Z", ...name("Second") }));
  await told(pool, send({ id: "2", creationTimeUtc: "2026-01-04T00:00:00Z", ...name("First") }));
  expect(await stateOf(entityId)).toMatchObject({
    name: "Second",
    firstEventAt: "2026-01-04T00:00:00.0000000Z",
  });
  const retry = send({ id: "1", creationTimeUtc: "2026-01-03T00:00:00Z", attempt: 2, ...name("Second") });
  expect(await told(pool, retry)).toBe("duplicate");
  expect(await stateOf(entityId)).toMatchObject({
    name: "First",
    version: 2,
    firstEventAt: "2026-01-03T00:00:00.0000000Z",
    lastEventAt: "2026-01-04T00:00:00.0000000Z",
  });
});

test("a redelivery changes nothing that is later than the earliest of the sends, be it earlier than the first", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  const sent = async (day: number) =>
    told(pool, send({ creationTimeUtc: `2026-01-0${day}T00:00:00Z`, attempt: day }));
  expect([await sent(5), await sent(3), await sent(4), await sent(3), await sent(2)]).toEqual([
    "applied",
    ...Array<string>(4).fill("duplicate"),
  ]);
  expect(
    await rows(
      pool,
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

test("a redelivery that carries a later time changes nothing of the person", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  await told(pool, send({ creationTimeUtc: early }));
  const before = await stateOf(entityId);
  expect(await told(pool, send({ creationTimeUtc: late, attempt: 6 }))).toBe("duplicate");
  expect(await stateOf(entityId)).toEqual(before);
});

test("one id in two types is two events", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  expect(await told(pool, send({ event: "NaturalPersonManuallyApproved", id: "253" }))).toBe("applied");
  expect(await told(pool, send({ event: "NaturalPersonAutoApproved", id: "253" }))).toBe("applied");
  expect(await eventsOf(entityId)).toHaveLength(2);
});

test("one event id of two persons is two events", async () => {
  const { pool } = database;
  expect(await told(pool, person().send())).toBe("applied");
  expect(await told(pool, person().send())).toBe("applied");
});

test("a duplicate is known after any time: a year later, from another process, when everything else is gone", async () => {
  const { pool, url } = database;
  const { entityId, send } = person();
  expect(await told(pool, send({ creationTimeUtc: early }))).toBe("applied");
  await pool.query("delete from settlements");
  await migrate(url);
  const later = openPool(url, { name: "a year later", size: 1 });
  expect(await told(later, send({ creationTimeUtc: "2027-01-01T00:00:00Z" }))).toBe("duplicate");
  expect(await told(later, send({ data: { entity: "Somebody Else" } }))).toBe("dead-lettered");
  await later.end();
  expect(await eventsOf(entityId)).toHaveLength(1);
});

test("Postgres itself refuses a second row of one event", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  await told(pool, send());
  const again = pool.query(
    `insert into events select entity_id, seq + 1, event, id, ticks, data, data_digest, delivery_id, received_at,
       delivery_digest, hash, append_id, ordinal, recognised from events where entity_id = $1`,
    [entityId],
  );
  await expect(again).rejects.toThrow('unique constraint "events_identity"');
});

test("a redelivery is settled by itself while the first is a dead letter", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  const conflict = send({ data: { entity: "Somebody Else" } });
  expect(await told(pool, send())).toBe("applied");
  const [dead] = await receive(pool, [conflict]);
  await settle(pool, [dead ?? ""], "test");
  expect(await told(pool, conflict)).toBe("dead-lettered");
  expect(await told(pool, send())).toBe("duplicate");
  expect(await outcomes(pool, [dead ?? ""])).toEqual(["dead-lettered"]);
  expect(await eventsOf(entityId)).toHaveLength(1);
});

test("a dead letter that is opened again is settled again; a discarded one never", async () => {
  const { pool } = database;
  const ids = await receive(pool, ["not JSON", "nor this"]);
  const [again = "", aside = ""] = ids;
  await settle(pool, ids, "1");
  const decision = { operator: "Olga", reason: "test" };
  await redrive(pool, [again], decision);
  await discard(pool, [aside], decision);
  expect(await outcomes(pool, ids)).toEqual([undefined, "discarded"]);
  const settled = await settle(pool, ids, "2");
  expect(idsOf(settled, "dead-lettered")).toEqual([again]);
  expect(await outcomes(pool, ids)).toEqual(["dead-lettered", "discarded"]);
});

test("an entry has its delivery's digest and time received, to the microsecond", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  await told(pool, send());
  expect(
    await rows(
      pool,
      `select events.received_at = deliveries.received_at as same, delivery_digest = digest as digested
       from events join deliveries using (delivery_id) where entity_id = $1`,
      [entityId],
    ),
  ).toEqual([{ same: true, digested: true }]);
});

test("a transaction that fails leaves nothing of its deliveries, and they can be settled later", async () => {
  const { pool } = database;
  const { entityId, send } = person();
  const ids = await receive(pool, [send()]);
  await pool.query("alter table settlements add constraint full_disk check (outcome <> 'applied') not valid");
  await expect(settle(pool, ids, "test")).rejects.toThrow("full_disk");
  expect(await eventsOf(entityId)).toEqual([]);
  expect(await rows(pool, "select from streams where entity_id = $1", [entityId])).toEqual([]);
  await pool.query("alter table settlements drop constraint full_disk");
  expect(idsOf(await settle(pool, ids, "test"), "applied")).toEqual(ids);
});
