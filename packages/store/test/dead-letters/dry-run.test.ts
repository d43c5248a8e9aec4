import { expect, onTestFinished, test } from "vitest";
import { deadLetter, discard, dryRunRedrive, openPool, redrive, settle } from "../../src/index.ts";
import { openTransaction, useRecord } from "../database.ts";
import { eventBody, invalidBody, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

/** Records bodies and dead-letters their deliveries. */
async function recordDeadLetters(...bodies: readonly Buffer[]): Promise<string[]> {
  const { pool } = database;
  const ids = await database.record(...bodies);
  for (const id of ids)
    await deadLetter(pool, id, { reason: "fold-failed", message: "m", issues: [] }, "1.0.0");
  return ids;
}

test("a dry run shows what would change and what would fail again, and changes nothing", async () => {
  const { pool } = database;
  await database.recordAndSettle(eventBody("known", { id: "1", data: { entity: "Ann" } }));
  const [again, other, fresh, refused] = await recordDeadLetters(
    eventBody("known", { id: "1", data: { entity: "Ann" } }),
    eventBody("known", { id: "2", data: { entity: "Anna" } }),
    eventBody("new", { id: "1", data: { entity: "Bob" } }),
    eventBody("refused", { id: "1" }),
  );
  const [conflicting, unparsable, invalid] = await database.recordAndSettle(
    eventBody("known", { id: "1", data: { entity: "Eve" } }),
    UNPARSABLE_BODY,
    invalidBody(),
  );
  const [discarded] = await database.recordAndSettle(UNPARSABLE_BODY);
  await discard(pool, [discarded!], { decidedBy: "bob", reason: "noise" });
  await pool.query("alter table events add constraint refuse check (entity_id <> 'refused')");
  onTestFinished(async () => void (await pool.query("alter table events drop constraint refuse")));
  const before = await database.dump();

  const ids = [again, refused, other, fresh, conflicting, unparsable, invalid, discarded].map((id) => id!);
  const results = await Array.fromAsync(dryRunRedrive(pool, ids));

  expect(await database.dump()).toEqual(before);
  expect(results.map(({ deliveryId }) => deliveryId)).toEqual(ids);
  expect(results).toMatchObject([
    { outcome: "duplicate" },
    { outcome: "failed", error: { code: "23514" } },
    { outcome: "applied", change: { entityId: "known", before: { name: "Ann" }, after: { name: "Anna" } } },
    { outcome: "applied", change: { entityId: "new", before: null, after: { name: "Bob", version: 1 } } },
    { outcome: "dead-lettered", reason: "conflicting-duplicate" },
    { outcome: "dead-lettered", reason: "unparsable" },
    { outcome: "dead-lettered", reason: "invalid-event" },
    { outcome: "not-dead-lettered" },
  ]);
});

test("of deliveries that are too many to be settled together, each is run", async () => {
  const ids = await recordDeadLetters(
    ...Array.from({ length: 230 }, (_, n) => eventBody(`p${n % 7}`, { id: String(n) })),
  );
  const results = await Array.fromAsync(dryRunRedrive(database.pool, ids));
  expect(results.map(({ deliveryId, outcome }) => `${deliveryId} ${outcome}`)).toEqual(
    ids.map((id) => `${id} applied`),
  );
  expect(results.at(-1)).toMatchObject({ change: { entityId: "p5", after: { version: 33 } } });
});

test("each delivery of a dry run sees what those before it would have done", async () => {
  const ids = await recordDeadLetters(
    eventBody("a", { id: "1", data: { entity: "Ann" } }),
    eventBody("a", { id: "1", data: { entity: "Eve" } }),
    eventBody("a", { id: "1", data: { entity: "Ann" } }),
  );
  expect(await Array.fromAsync(dryRunRedrive(database.pool, ids))).toMatchObject([
    { outcome: "applied" },
    { outcome: "dead-lettered", reason: "conflicting-duplicate" },
    { outcome: "duplicate" },
  ]);
});

test("a dry run waits for no lock", async () => {
  const { pool } = database;
  await database.recordAndSettle(eventBody("a", { id: "1" }));
  const ids = await recordDeadLetters(eventBody("a", { id: "2" }));
  const worker = await openTransaction(pool, "select from streams for update");
  await worker.run("select from settlements for update");

  expect(await Array.fromAsync(dryRunRedrive(pool, ids))).toMatchObject([{ outcome: "applied" }]);
});

test("after a dry run, the same connection settles deliveries for good", async () => {
  const pool = openPool(database.url, { name: "test", size: 1 });
  onTestFinished(() => pool.end());
  for (const person of ["a", "b"]) {
    const ids = await recordDeadLetters(eventBody(person));
    expect(await Array.fromAsync(dryRunRedrive(pool, ids))).toMatchObject([{ outcome: "applied" }]);
    await settle(pool, await redrive(pool, ids, { decidedBy: "ada", reason: "r" }), "1.0.1");
  }
  expect(await database.rows("select entity_id from events")).toEqual([
    { entity_id: "a" },
    { entity_id: "b" },
  ]);
});

test("a redrive does what its dry run said", async () => {
  const { pool } = database;
  const ids = await recordDeadLetters(
    eventBody("a", { id: "2", data: { entity: "Late" } }),
    eventBody("a", { id: "1", data: { entity: "Early" } }),
    eventBody("b"),
  );
  const results = await Array.fromAsync(dryRunRedrive(pool, ids));
  await settle(pool, await redrive(pool, ids, { decidedBy: "ada", reason: "r" }), "1.0.1");
  const persons = await database.rows<{ entity_id: string; name: string }>(
    "select entity_id, state ->> 'name' as name from natural_persons order by 1",
  );
  const expected = new Map(
    results.flatMap((result) =>
      result.outcome === "applied" && result.change !== undefined
        ? [[result.change.entityId, result.change.after.name] as const]
        : [],
    ),
  );
  expect(persons.map(({ entity_id, name }) => [entity_id, name])).toEqual([...expected]);
});
