import { expect, onTestFinished, test } from "vitest";
import { deadLetter, discard, dryRunRedrive, redrive, settle } from "../../src/index.ts";
import { openTransaction, useRecord, waitForLock } from "../database.ts";
import { eventBody, invalidBody, refuseEvents, UNPARSABLE_BODY } from "../fixtures.ts";

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
  const { allow } = await refuseEvents(pool, "refused");
  onTestFinished(async () => void (await allow()));
  const before = await database.dump();

  const ids = [again, refused, other, fresh, conflicting, unparsable, invalid, discarded].map((id) => id!);
  const results = await Array.fromAsync(dryRunRedrive(pool, ids));

  expect(await database.dump()).toEqual(before);
  expect(results.map(({ deliveryId }) => deliveryId)).toEqual(ids);
  expect(results).toMatchObject([
    { outcome: "duplicate" },
    { outcome: "failed", error: { code: "22023" } },
    { outcome: "applied", change: { entityId: "known", before: { name: "Ann" }, after: { name: "Anna" } } },
    { outcome: "applied", change: { entityId: "new", before: null, after: { name: "Bob", version: 1 } } },
    { outcome: "dead-lettered", reason: "conflicting-duplicate" },
    { outcome: "dead-lettered", reason: "unparsable" },
    { outcome: "dead-lettered", reason: "invalid-event" },
    { outcome: "not-dead-lettered" },
  ]);
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

test("a dry run locks persons in the order that workers use, so there is no deadlock", async () => {
  const { pool } = database;
  await database.recordAndSettle(eventBody("a", { id: "1" }), eventBody("b", { id: "1" }));
  const ids = await recordDeadLetters(eventBody("b", { id: "2" }), eventBody("a", { id: "2" }));
  const lock = "select from streams where entity_id = $1 for update";
  const worker = await openTransaction(pool, lock, ["a"]);

  const results = Array.fromAsync(dryRunRedrive(pool, ids));
  await waitForLock(pool);
  await worker.run(lock, ["b"]);
  await worker.commit();
  expect(await results).toMatchObject(ids.map((deliveryId) => ({ deliveryId, outcome: "applied" })));
});

test("a dry run locks settlements in the order that redrives use, so there is no deadlock", async () => {
  const { pool } = database;
  const [first, second] = await recordDeadLetters(eventBody("a"), eventBody("b"));
  const lock = "select from settlements where delivery_id = $1 for update";
  const redriving = await openTransaction(pool, lock, [first]);

  const results = Array.fromAsync(dryRunRedrive(pool, [second!, first!]));
  await waitForLock(pool);
  await redriving.run(lock, [second]);
  await redriving.commit();
  expect(await results).toMatchObject([{ outcome: "applied" }, { outcome: "applied" }]);
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
