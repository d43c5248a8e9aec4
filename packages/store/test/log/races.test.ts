import { payload } from "@dossier/simulator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { settle } from "../../src/index.ts";
import { freshPool, idsOf, outcomes, receive, rows } from "../receive.ts";

let database: Awaited<ReturnType<typeof freshPool>>;
beforeAll(async () => (database = await freshPool()));
afterAll(() => database.end());

const ROUNDS = 20;

function send(entityId: string, id = "1"): string {
  return JSON.stringify(
    payload({ event: "NaturalPersonPending", id, entityId, creationTimeUtc: `2026-01-01T00:00:0${id}Z` }),
  );
}

/** Waits until this many connections wait for a lock. */
async function waiting(count: number): Promise<void> {
  for (;;) {
    const [row] = await rows(
      database.pool,
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    );
    if ((row as { waiting: number }).waiting >= count) return;
  }
}

test.for([2, 8])(
  "%i workers with one event each get one row of it, and the others are duplicates",
  async (workers) => {
    const { pool } = database;
    for (let round = 0; round < ROUNDS; round++) {
      const entityId = `same-${workers}-${round}`;
      const ids = await receive(
        pool,
        Array.from({ length: workers }, () => send(entityId)),
      );
      await Promise.all(ids.map((id) => settle(pool, [id], "test")));
      const ended = Map.groupBy(await outcomes(pool, ids), (outcome) => outcome);
      expect(ended.get("applied")).toHaveLength(1);
      expect(ended.get("duplicate")).toHaveLength(workers - 1);
      expect(await rows(pool, "select seq from events where entity_id = $1", [entityId])).toEqual([
        { seq: 1n },
      ]);
      expect(
        await rows(pool, "select state->>'version' as version from natural_persons where entity_id = $1", [
          entityId,
        ]),
      ).toEqual([{ version: "1" }]);
    }
  },
);

test.for([2, 8])(
  "%i workers with the same persons, each in another order, never wait in a circle",
  async (workers) => {
    const { pool } = database;
    for (let round = 0; round < ROUNDS; round++) {
      const persons = Array.from({ length: 10 }, (_, number) => `circle-${workers}-${round}-${number}`);
      const batches = await Promise.all(
        Array.from({ length: workers }, (_, worker) => {
          const rotated = [...persons.slice(worker), ...persons.slice(0, worker)];
          const ordered = worker % 2 === 0 ? rotated : rotated.toReversed();
          return receive(
            pool,
            ordered.map((entityId) => send(entityId, String(worker))),
          );
        }),
      );
      await Promise.all(batches.map((ids) => settle(pool, ids, "test")));
      const found = await rows(
        pool,
        "select distinct state->>'version' as version from natural_persons where entity_id = any ($1)",
        [persons],
      );
      expect(found).toEqual([{ version: String(workers) }]);
    }
  },
);

test("persons are opened in one order, whatever the order of their deliveries", async () => {
  const { pool } = database;
  const names = ["order-1", "order-2", "order-3"];
  const one = await receive(
    pool,
    names.map((name) => send(name, "1")),
  );
  const other = await receive(
    pool,
    names.toReversed().map((name) => send(name, "2")),
  );
  // Were they opened in the order of the deliveries, both would wait here, and then for each other.
  const between = await pool.connect();
  await between.query("begin");
  await between.query("insert into streams (entity_id, seq, hash) values ('order-2', 0, '')");
  const settled = Promise.all([one, other].map((ids) => settle(pool, ids, "test")));
  await waiting(2);
  await between.query("rollback");
  between.release();
  expect((await settled).flatMap((one) => idsOf(one, "applied"))).toHaveLength(6);
});

test("who comes while another transaction holds a new person waits for it, and sees what it did", async () => {
  const { pool } = database;
  const ids = await receive(pool, [send("held"), send("held")]);
  const other = await pool.connect();
  await other.query("begin");
  await other.query(
    "insert into streams (entity_id, seq, hash) values ('held', 0, decode(repeat('00', 32), 'hex'))",
  );
  const settled = Promise.all(ids.map((id) => settle(pool, [id], "test")));
  await waiting(2);
  await other.query("commit");
  other.release();
  await settled;
  expect(new Set(await outcomes(pool, ids))).toEqual(new Set(["applied", "duplicate"]));
});

test("one delivery in the hands of eight workers is settled by one of them", async () => {
  const { pool } = database;
  for (let round = 0; round < ROUNDS; round++) {
    const ids = await receive(pool, [send(`one-${round}`, "1"), send(`one-${round}`, "2")]);
    const settled = await Promise.all(Array.from({ length: 8 }, () => settle(pool, ids, "test")));
    expect(settled.flatMap((one) => idsOf(one, "applied")).toSorted()).toEqual(ids.toSorted());
    expect(settled.flatMap((one) => idsOf(one, "duplicate"))).toEqual([]);
  }
});
