import { expect, test } from "vitest";
import { deadLetter, discard, redrive, dryRunRedrive, settle, type Pool } from "../../src/index.ts";
import { breakFolding, freshGraveyard, invalid, pending, unparsable } from "./graveyard.ts";

async function kill(pool: Pool, deliveryIds: readonly string[]): Promise<void> {
  for (const deliveryId of deliveryIds) {
    await deadLetter(pool, deliveryId, { reason: "fold-failed", message: "m", issues: [] }, "1.0.0");
  }
}

test("a rehearsal shows what would change for each person and what would fail again, and leaves no trace", async (context) => {
  const { pool, take, receive, everything } = await freshGraveyard(context);
  await take(pending("known", "1", "Ann"));
  const [again, other, fresh, refused] = await receive(
    pending("known", "1", "Ann"),
    pending("known", "2", "Anna"),
    pending("new", "1", "Bob"),
    pending("refused", "1"),
  );
  await kill(pool, [again!, other!, fresh!, refused!]);
  const [conflicting, garbled, wrong] = await take(pending("known", "1", "Eve"), unparsable, invalid());
  const [gone] = await take(unparsable);
  await discard(pool, [gone!], { operator: "bob", reason: "noise" });
  await breakFolding(pool, "refused");
  const before = await everything();

  const chosen = [again, refused, other, fresh, conflicting, garbled, wrong, gone].map((id) => id!);
  const result = await dryRunRedrive(pool, chosen);

  expect(await everything()).toEqual(before);
  expect(result.map(({ deliveryId }) => deliveryId)).toEqual(chosen);
  expect(result).toMatchObject([
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

test("each delivery of a rehearsal sees what those before it would do", async (context) => {
  const { pool, receive } = await freshGraveyard(context);
  const [first, conflict, duplicate] = await receive(
    pending("a", "1", "Ann"),
    pending("a", "1", "Eve"),
    pending("a", "1", "Ann"),
  );
  await kill(pool, [first!, conflict!, duplicate!]);
  expect(await dryRunRedrive(pool, [first!, conflict!, duplicate!])).toMatchObject([
    { outcome: "applied" },
    { outcome: "dead-lettered", reason: "conflicting-duplicate" },
    { outcome: "duplicate" },
  ]);
});

test("a rehearsal locks persons in the order of all others: beside a worker, neither waits in a circle", async (context) => {
  const { pool, take, receive } = await freshGraveyard(context);
  await take(pending("a", "1"), pending("b", "1"));
  const ids = await receive(pending("b", "2"), pending("a", "2"));
  await kill(pool, ids);
  const locked = "select from streams where entity_id = $1 for update";
  const worker = await pool.connect();
  context.onTestFinished(() => worker.release(true));
  await worker.query("begin");
  await worker.query(locked, ["a"]);

  const rehearsal = dryRunRedrive(pool, ids);
  await expect
    .poll(async () => (await pool.query("select from pg_locks where not granted")).rowCount)
    .toBeGreaterThan(0);
  await worker.query(locked, ["b"]);
  await worker.query("commit");
  expect(await rehearsal).toMatchObject(ids.map((deliveryId) => ({ deliveryId, outcome: "applied" })));
});

test("a rehearsal locks deaths in the order of all others: beside a redrive, neither waits in a circle", async (context) => {
  const { pool, receive } = await freshGraveyard(context);
  const [first, second] = await receive(pending("a"), pending("b"));
  await kill(pool, [first!, second!]);
  const locked = "select from settlements where delivery_id = $1 for update";
  const redriving = await pool.connect();
  context.onTestFinished(() => redriving.release(true));
  await redriving.query("begin");
  await redriving.query(locked, [first]);

  const rehearsal = dryRunRedrive(pool, [second!, first!]);
  await expect
    .poll(async () => (await pool.query("select from pg_locks where not granted")).rowCount)
    .toBeGreaterThan(0);
  await redriving.query(locked, [second]);
  await redriving.query("commit");
  expect(await rehearsal).toMatchObject([{ outcome: "applied" }, { outcome: "applied" }]);
});

test("what a rehearsal says is what the redrive does", async (context) => {
  const { pool, receive } = await freshGraveyard(context);
  const ids = await receive(pending("a", "2", "OutOfOrderStream"), pending("a", "1", "Early"), pending("b"));
  await kill(pool, ids);
  const result = await dryRunRedrive(pool, ids);
  await settle(pool, await redrive(pool, ids, { operator: "ada", reason: "r" }), "1.0.1");
  const { rows } = await pool.query<{ entity_id: string; name: string }>(
    "select entity_id, state ->> 'name' as name from natural_persons order by 1",
  );
  const last = new Map(
    result.flatMap((one) =>
      one.outcome === "applied" && one.change !== undefined
        ? [[one.change.entityId, one.change.after.name] as const]
        : [],
    ),
  );
  expect(rows.map(({ entity_id, name }) => [entity_id, name])).toEqual([...last]);
});
