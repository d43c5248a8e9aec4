import { payload } from "@dossier/simulator";
import { expect, test } from "vitest";
import { settle } from "../../src/index.ts";
import { idsOf, openTransaction, useRecord, waitForLock } from "../database.ts";

const database = useRecord();

const ROUNDS = 20;

function body(entityId: string, id = "1"): string {
  return JSON.stringify(
    payload({ event: "NaturalPersonPending", id, entityId, creationTimeUtc: `2026-01-01T00:00:0${id}Z` }),
  );
}

test.for([2, 8])("of %i workers that settle deliveries of one event, one applies it", async (workers) => {
  const { pool } = database;
  for (let round = 0; round < ROUNDS; round++) {
    const entityId = `same-${workers}-${round}`;
    const ids = await database.record(...Array.from({ length: workers }, () => body(entityId)));
    await Promise.all(ids.map((id) => settle(pool, [id], "test")));
    const settlements = Map.groupBy(await database.statuses(ids), (status) => status);
    expect(settlements.get("applied")).toHaveLength(1);
    expect(settlements.get("duplicate")).toHaveLength(workers - 1);
    expect(await database.rows("select seq from events where entity_id = $1", [entityId])).toEqual([
      { seq: 1n },
    ]);
    expect(
      await database.rows("select state->>'version' as version from natural_persons where entity_id = $1", [
        entityId,
      ]),
    ).toEqual([{ version: "1" }]);
  }
});

test.for([2, 8])(
  "%i workers with the same persons, each in another order, do not deadlock",
  async (workers) => {
    const { pool } = database;
    for (let round = 0; round < ROUNDS; round++) {
      const persons = Array.from({ length: 10 }, (_, number) => `deadlock-${workers}-${round}-${number}`);
      const batches = await Promise.all(
        Array.from({ length: workers }, (_, worker) => {
          const rotated = [...persons.slice(worker), ...persons.slice(0, worker)];
          const ordered = worker % 2 === 0 ? rotated : rotated.toReversed();
          return database.record(...ordered.map((entityId) => body(entityId, String(worker))));
        }),
      );
      await Promise.all(batches.map((ids) => settle(pool, ids, "test")));
      const found = await database.rows(
        "select distinct state->>'version' as version from natural_persons where entity_id = any ($1)",
        [persons],
      );
      expect(found).toEqual([{ version: String(workers) }]);
    }
  },
);

test("new streams are created in one order, whatever the order of the deliveries", async () => {
  const { pool } = database;
  const names = ["order-1", "order-2", "order-3"];
  const one = await database.record(...names.map((name) => body(name, "1")));
  const other = await database.record(...names.toReversed().map((name) => body(name, "2")));
  // In the order of the deliveries, both would wait here, each with a lock that the other needs next.
  const between = await openTransaction(
    pool,
    "insert into streams (entity_id, seq, hash) values ('order-2', 0, '')",
  );
  const settled = Promise.all([one, other].map((ids) => settle(pool, ids, "test")));
  await waitForLock(pool, { count: 2 });
  await between.rollback();
  expect((await settled).flatMap((one) => idsOf(one, "applied"))).toHaveLength(6);
});

test("a worker waits for the transaction that creates a stream, and sees its entries", async () => {
  const { pool } = database;
  const ids = await database.record(body("held"), body("held"));
  const other = await openTransaction(
    pool,
    "insert into streams (entity_id, seq, hash) values ('held', 0, decode(repeat('00', 32), 'hex'))",
  );
  const settled = Promise.all(ids.map((id) => settle(pool, [id], "test")));
  await waitForLock(pool, { count: 2 });
  await other.commit();
  await settled;
  expect(new Set(await database.statuses(ids))).toEqual(new Set(["applied", "duplicate"]));
});

test("of eight workers that settle the same deliveries, one does", async () => {
  const { pool } = database;
  for (let round = 0; round < ROUNDS; round++) {
    const ids = await database.record(body(`one-${round}`, "1"), body(`one-${round}`, "2"));
    const settled = await Promise.all(Array.from({ length: 8 }, () => settle(pool, ids, "test")));
    expect(settled.flatMap((one) => idsOf(one, "applied")).toSorted()).toEqual(ids.toSorted());
    expect(settled.flatMap((one) => idsOf(one, "duplicate"))).toEqual([]);
  }
});
