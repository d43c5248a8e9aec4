import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  abortBulkAction,
  confirmBulkAction,
  createBulkAction,
  decideNextBatch,
  discard,
  findBulkAction,
  listBulkActions,
  listBulkFailures,
  recordQueueMissed,
  redrive,
  releaseBulkActions,
  restore,
  sampleBulkAction,
  type NewBulkAction,
} from "../../src/index.ts";
import { openTransaction, useRecord, waitForLock } from "../database.ts";
import { eventBody, invalidBody, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const [ONE, OTHER] = [randomUUID(), randomUUID()];
const by = { decidedBy: "Olga", reason: "another decision" };

/** Makes and confirms a bulk action about all dead letters. */
async function start(overrides: Partial<NewBulkAction> = {}): Promise<number> {
  const bulkActionId = await createBulkAction(database.pool, {
    action: "discard",
    filter: {},
    reason: "junk",
    createdBy: "Ada",
    ...overrides,
  });
  await confirmBulkAction(database.pool, bulkActionId, "Bea");
  return bulkActionId;
}

/** Decides batch by batch until no action is left for this holder. Returns how many each batch decided about. */
async function decideAll(holder: string, size: number): Promise<number[]> {
  const decided: number[] = [];
  for (;;) {
    const batch = await decideNextBatch(database.pool, holder, size);
    if (batch === undefined) return decided;
    decided.push(batch.decided.length);
  }
}

const recordDead = (count: number) => database.recordAndSettle(...Array<Buffer>(count).fill(UNPARSABLE_BODY));

test("a bulk action selects what matches when it is made, and decides nothing until it is confirmed", async () => {
  const { pool } = database;
  const ids = await recordDead(3);
  const [invalid = ""] = await database.recordAndSettle(invalidBody());
  const bulkActionId = await createBulkAction(pool, {
    action: "redrive",
    filter: { reason: "unparsable", since: 0n },
    reason: "fixed",
    createdBy: "Ada",
  });
  const [later = ""] = await recordDead(1);
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({
    action: "redrive",
    state: "previewed",
    filter: { reason: "unparsable", since: "1970-01-01T00:00:00.0000000Z" },
    reason: "fixed",
    total: 3,
    createdBy: "Ada",
    confirmedBy: null,
    confirmedAt: null,
  });
  expect(await sampleBulkAction(pool, bulkActionId, 2)).toMatchObject([
    { deliveryId: ids[2], reason: "unparsable" },
    { deliveryId: ids[1] },
  ]);
  expect(await decideNextBatch(pool, ONE)).toBeUndefined();

  await confirmBulkAction(pool, bulkActionId, "Bea");
  expect(await decideAll(ONE, 2)).toEqual([2, 1, 0]);
  expect(await database.statuses([...ids, invalid, later])).toEqual([
    ...["open", "open", "open"],
    ...["invalid-event", "unparsable"],
  ]);
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({
    state: "completed",
    decided: 3,
    missed: 0,
    confirmedBy: "Bea",
    confirmedAt: expect.any(String),
    endedAt: expect.any(String),
  });
  expect(await database.rows("select distinct action, decided_by, reason from decisions")).toEqual([
    { action: "redrive", decided_by: "Bea", reason: "fixed" },
  ]);
});

test("a restore selects discarded deliveries", async () => {
  const { pool } = database;
  const [one = "", other = "", dead = ""] = await recordDead(3);
  await discard(pool, [one, other], by);
  const bulkActionId = await start({ action: "restore" });
  expect(await decideAll(ONE, 10)).toEqual([2, 0]);
  expect(await database.statuses([one, other, dead])).toEqual(Array(3).fill("unparsable"));
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({
    total: 2,
    decided: 2,
    state: "completed",
  });
});

test("what was decided about meanwhile, or dead-lettered anew, is missed and listed", async () => {
  const { pool } = database;
  const [redriven = "", anew = "", same = "", restored = ""] = await recordDead(4);
  const bulkActionId = await start();
  await redrive(pool, [redriven, anew], by);
  await database.settle([anew]);
  await discard(pool, [restored], by);
  await restore(pool, [restored], by);

  expect(await decideAll(ONE, 3)).toEqual([1, 1, 0]);
  expect(await database.statuses([redriven, anew, same, restored])).toEqual([
    "open",
    "unparsable",
    "discarded",
    "discarded",
  ]);
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({ total: 4, decided: 2, missed: 2 });
  const first = await listBulkFailures(pool, bulkActionId, { limit: 1 });
  expect(first.items).toEqual([{ deliveryId: redriven, failure: "changed" }]);
  expect(await listBulkFailures(pool, bulkActionId, { limit: 9, after: first.next })).toEqual({
    items: [{ deliveryId: anew, failure: "changed" }],
    next: undefined,
  });
});

test("what the queue did not take is counted and listed", async () => {
  const { pool } = database;
  const ids = await recordDead(2);
  const bulkActionId = await start();
  const batch = await decideNextBatch(pool, ONE, 1);
  expect(batch).toMatchObject({ bulkActionId, action: "discard", decided: [{ deliveryId: ids[0] }] });
  await recordQueueMissed(pool, batch!);
  await decideAll(ONE, 1);
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({ decided: 2, missed: 0, queueMissed: 1 });
  expect((await listBulkFailures(pool, bulkActionId, { limit: 9 })).items).toEqual([
    { deliveryId: ids[0], failure: "queue-missed" },
  ]);
});

test("a batch that crashes has decided nothing, and another console goes on with it", async () => {
  const { pool } = database;
  const ids = await recordDead(5);
  const bulkActionId = await start();
  expect((await decideNextBatch(pool, ONE, 2))?.decided).toHaveLength(2);
  await pool.query(
    "create function crash() returns trigger language plpgsql as $$ begin raise 'crash' using errcode = '57P01'; end $$",
  );
  await pool.query(
    "create trigger crash before update of last_dead_letter_id on bulk_actions execute function crash()",
  );
  await expect(decideNextBatch(pool, ONE, 2)).rejects.toThrow("crash");
  await pool.query("drop function crash cascade");
  expect((await database.statuses(ids)).toSorted()).toEqual([
    ...Array<string>(2).fill("discarded"),
    ...Array<string>(3).fill("unparsable"),
  ]);

  expect(await decideNextBatch(pool, OTHER, 2)).toBeUndefined();
  await pool.query("update bulk_actions set held_until = now() - interval '1 s'");
  expect(await decideAll(OTHER, 2)).toEqual([2, 1, 0]);
  expect(await database.rows("select from decisions")).toHaveLength(5);
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({
    decided: 5,
    missed: 0,
    state: "completed",
  });
});

test("what a console releases, another one takes at once", async () => {
  const { pool } = database;
  await recordDead(3);
  await start();
  await decideNextBatch(pool, ONE, 1);
  expect(await decideNextBatch(pool, OTHER, 1)).toBeUndefined();
  await releaseBulkActions(pool, ONE);
  expect(await decideAll(OTHER, 1)).toEqual([1, 1, 0]);
});

test("one bulk action runs at a time, in the order in which they were confirmed", async () => {
  const { pool } = database;
  await recordDead(2);
  const first = await createBulkAction(pool, {
    action: "discard",
    filter: {},
    reason: "r",
    createdBy: "Ada",
  });
  const second = await start();
  await confirmBulkAction(pool, first, "Bea");

  expect(await decideNextBatch(pool, ONE, 1)).toMatchObject({ bulkActionId: second });
  expect(await decideNextBatch(pool, OTHER, 1)).toBeUndefined();
  await abortBulkAction(pool, second, "Ada");
  expect(await decideNextBatch(pool, OTHER, 1)).toMatchObject({ bulkActionId: first });
});

test("a bulk action whose batch would fail again says why, and the next one runs", async () => {
  const { pool } = database;
  await recordDead(1);
  await database.rows("alter table decisions add constraint refused check (reason <> 'refused')");
  const failing = await start({ reason: "refused" });
  const next = await start();

  await decideAll(ONE, 1);

  expect(await findBulkAction(pool, failing)).toMatchObject({
    state: "failed",
    decided: 0,
    error: "DatabaseError 23514",
  });
  expect(await findBulkAction(pool, next)).toMatchObject({ state: "completed", decided: 1, error: null });
});

test("several consoles decide about each delivery once", async () => {
  const { pool } = database;
  await recordDead(12);
  const ids = [await start(), await start({ reason: "the same set" })];
  const holders = [ONE, OTHER, randomUUID(), randomUUID()];
  await Promise.all(holders.map((holder) => decideAll(holder, 2)));
  expect(await database.rows("select delivery_id from decisions")).toHaveLength(12);
  const actions = await Promise.all(ids.map((id) => findBulkAction(pool, id)));
  expect(actions).toMatchObject([{ state: "completed" }, { state: "completed" }]);
  expect(actions.reduce((sum, one) => sum + one!.decided, 0)).toBe(12);
  expect(actions.reduce((sum, one) => sum + one!.missed, 0)).toBe(12);
});

test("an abort lets the batch at hand end, and nothing is decided after it", async () => {
  const { pool } = database;
  const ids = await recordDead(4);
  const bulkActionId = await start();
  await decideNextBatch(pool, ONE, 1);
  // The second batch waits for a delivery that another decision has locked.
  const other = await openTransaction(pool, "select from settlements where delivery_id = $1 for update", [
    ids[1],
  ]);
  const batch = decideNextBatch(pool, ONE, 1);
  await waitForLock(pool, { count: 1 });
  const aborted = abortBulkAction(pool, bulkActionId, "Bea");
  await waitForLock(pool, { count: 2 });
  await other.rollback();
  expect((await batch)?.decided).toHaveLength(1);
  await aborted;
  expect(await decideAll(ONE, 1)).toEqual([]);
  expect(await findBulkAction(pool, bulkActionId)).toMatchObject({
    state: "aborted",
    total: 4,
    decided: 2,
    abortedBy: "Bea",
    endedAt: expect.any(String),
  });
  await confirmBulkAction(pool, bulkActionId, "Ada");
  expect(await decideNextBatch(pool, ONE)).toBeUndefined();
});

test("bulk actions are listed, the latest first", async () => {
  const { pool } = database;
  await database.recordAndSettle(eventBody("a"));
  const [first, second, third] = [await start(), await start(), await start()];
  const { items, next } = await listBulkActions(pool, { limit: 2 });
  expect([items.map(({ bulkActionId }) => bulkActionId), next]).toEqual([[third, second], second]);
  expect(await listBulkActions(pool, { limit: 2, after: next })).toMatchObject({
    items: [{ bulkActionId: first, total: 0 }],
    next: undefined,
  });
});
