import { setImmediate as turn } from "node:timers/promises";
import { scenario } from "@dossier/simulator";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { assignPositions } from "../../src/feed/positions.ts";
import { openPool, readChanges, settle, watchChanges, type Change, type Pool } from "../../src/index.ts";
import { body, freshRecord, type Record } from "../persons/record.ts";

let record: Record;
beforeEach(async () => {
  record = await freshRecord();
});
afterEach(() => record.end());

const AT = "2026-01-01T00:00:00Z";
const pending = (entityId: string, id = "1") => body("NaturalPersonPending", id, entityId, AT);

test("changes come with what they said, counted from 1, and an earlier time is a change of its own", async () => {
  const [one, two, three] = await take([
    body("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000002Z", { entity: "Ada" }),
    body("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000003Z", { entity: "Ada" }),
    body("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00.0000001Z", { entity: "Ada" }),
  ]);
  expect(two).toBeDefined();
  const identity = { entityId: "e", event: "NaturalPersonPending", id: "1" };
  expect(await all(record.pool)).toMatchObject([
    {
      ...identity,
      position: 1n,
      kind: "event",
      creationTimeUtc: "2026-01-01T00:00:00.0000002Z",
      deliveryId: one,
      data: { entityId: "e", entity: "Ada" },
    },
    {
      ...identity,
      position: 2n,
      kind: "earlier-time",
      creationTimeUtc: "2026-01-01T00:00:00.0000001Z",
      deliveryId: three,
    },
  ]);
});

test("transactions that commit out of the order of their numbers are all seen, and none before what was read", async () => {
  const held = [await hold("a"), await hold("b"), await hold("c")];
  await take([pending("d")]);
  const read = await readChanges(record.pool, { after: 0n, limit: 10 });
  expect(entities(read.changes)).toEqual(["d"]);

  await held[1]?.commit();
  const second = await readChanges(record.pool, { after: read.next, limit: 10 });
  expect(entities(second.changes)).toEqual(["b"]);

  await held[0]?.commit();
  await take([pending("e")]);
  const third = await readChanges(record.pool, { after: second.next, limit: 10 });
  expect(entities(third.changes)).toEqual(["a", "e"]);

  await held[2]?.rollback();
  const last = await readChanges(record.pool, { after: third.next, limit: 10 });
  expect(last).toEqual({ changes: [], next: 4n });
  expect(entities(await all(record.pool))).toEqual(["d", "b", "a", "e"]);
});

test("many writers and many readers: every change once, and all readers agree on the order", async () => {
  // Nobody waits for the one who never commits.
  const stuck = await hold("stuck");
  const { webhooks } = scenario({ persons: 30, seed: 3, duplicates: 0.2, shuffle: 0.3 });
  const ids = await record.receive(Iterator.from(webhooks).map(({ body }) => body));
  const batches = Array.from({ length: Math.ceil(ids.length / 5) }, (_, i) => ids.slice(i * 5, i * 5 + 5));

  let writing = true;
  const readers = [1, 3, 10, 100].map(async (limit) => {
    const seen: Change[] = [];
    for (let after = 0n; ;) {
      const over = !writing && !(await unassigned());
      const { changes, next } = await readChanges(record.pool, { after, limit });
      seen.push(...changes);
      after = next;
      if (over && changes.length === 0) return seen;
      await turn();
    }
  });
  const queue = batches.values();
  const writers = [1, 2, 3].map(async () => {
    for (const batch of queue) await record.settle(batch);
  });
  await Promise.all(writers);
  writing = false;

  const [seen = [], ...others] = await Promise.all(readers);
  for (const other of others) expect(other).toEqual(seen);
  expect(seen.map(({ position }) => position)).toEqual(seen.map((_, i) => BigInt(i + 1)));
  const log = await logged(record.pool);
  expect(seen.length).toBe(log.length);
  const feedOf = Map.groupBy(seen, ({ entityId }) => entityId);
  for (const [entityId, entries] of Map.groupBy(log, ({ entity_id }) => entity_id))
    expect(feedOf.get(entityId)?.map(({ deliveryId }) => deliveryId)).toEqual(
      entries.map(({ delivery_id }) => delivery_id),
    );

  await stuck.commit();
  const { changes } = await readChanges(record.pool, { after: BigInt(seen.length), limit: 10 });
  expect(entities(changes)).toEqual(["stuck"]);
});

test("while one gives positions, others read what has them, and do not wait; then they go on behind it", async () => {
  await take([pending("a")]);
  expect(entities(await all(record.pool))).toEqual(["a"]);
  await take([pending("b"), pending("c")]);

  const other = await givingPositions();
  await take([pending("d")]);
  expect(entities(await all(record.pool))).toEqual(["a"]);
  await other.commit();
  const changes = await all(record.pool);
  expect(entities(changes)).toEqual(["a", "b", "c", "d"]);
  expect(changes.map(({ position }) => position)).toEqual([1n, 2n, 3n, 4n]);
});

test("reading goes on from any position, in pages of any size", async () => {
  for (const size of [3, 1, 5, 2, 4])
    await take(Array.from({ length: size }, (_, i) => pending(`e-${size}-${i}`)));
  const whole = await all(record.pool);
  expect(whole.length).toBe(15);
  for (let after = 0; after <= 16; after++)
    for (const limit of [1, 2, 4, 20]) {
      const { changes, next } = await readChanges(record.pool, { after: BigInt(after), limit });
      expect(changes).toEqual(whole.slice(after, after + limit));
      expect(next).toBe(changes.at(-1)?.position ?? BigInt(after));
    }
});

test("the services' own role can read the feed and give positions", async () => {
  await take([pending("e")]);
  const service = openPool(record.url, { name: "service", size: 2 });
  service.on("connect", (connection) => void connection.query("set role dossier_service"));
  try {
    const { rows: who } = await service.query<{ role: string }>("select current_user as role");
    expect(who[0]?.role).toBe("dossier_service");
    expect(entities(await all(service))).toEqual(["e"]);
  } finally {
    await service.end();
  }
});

test("those who wait are told of a change, and let go when they are stopped", async () => {
  const watch = watchChanges(record.pool, { everyMs: 1 });
  const stop = new AbortController();
  const waiting = [
    watch.waitBeyond(0n, stop.signal),
    watch.waitBeyond(0n, stop.signal),
    watch.waitBeyond(1n, stop.signal),
  ];
  await take([pending("e")]);
  expect(await waiting[0]).toBe(true);
  expect(await waiting[1]).toBe(true);
  stop.abort();
  expect(await waiting[2]).toBe(false);
  expect(await watch.waitBeyond(0n, AbortSignal.abort())).toBe(false);
});

test("a hundred who wait ask Postgres no more than one does", async () => {
  let asked = 0;
  const counted = Object.create(record.pool, {
    query: {
      value: (query: pg.QueryConfig) => {
        if (query.name === "select_last_position") asked++;
        return record.pool.query(query);
      },
    },
  }) as Pool;
  const watch = watchChanges(counted, { everyMs: 1 });
  const waiting = Array.from({ length: 100 }, () => watch.waitBeyond(0n, AbortSignal.timeout(60_000)));
  await take([pending("e")]);
  await Promise.all(waiting);
  const alone = asked;
  await Promise.all(Array.from({ length: 100 }, () => watch.waitBeyond(0n, AbortSignal.timeout(60_000))));
  expect(asked).toBe(alone + 1);
});

test("those who wait hear of an outage, and may wait again", async () => {
  const elsewhere = openPool("postgres://nobody@127.0.0.1:1/none", { name: "away", size: 1 });
  const watch = watchChanges(elsewhere, { everyMs: 1 });
  const wait = () => watch.waitBeyond(0n, AbortSignal.timeout(60_000));
  await expect(Promise.all([wait(), wait()])).rejects.toThrow("ECONNREFUSED");
  await expect(wait()).rejects.toThrow("ECONNREFUSED");
  await elsewhere.end();
});

/** Settles one new event in a transaction that stays open until it is told. */
async function hold(entityId: string): Promise<{ commit(): Promise<void>; rollback(): Promise<void> }> {
  const ids = await record.receive([pending(entityId)]);
  const held = holder();
  const settled = settle(held.pool, ids, "test");
  await held.beforeCommit;
  return { commit: () => held.end("commit", settled), rollback: () => held.end("rollback", settled) };
}

/** A pool whose transactions stop before their commit until it is said how they end. */
function holder() {
  // Held as long as the test takes, on however slow a machine.
  const pool = openPool(record.url, { name: "holder", size: 1, timeoutMs: 3_600_000 });
  const before = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<"commit" | "rollback">();
  pool.on("connect", (connection) => {
    const query = connection.query.bind(connection) as (...statement: unknown[]) => Promise<unknown>;
    connection.query = ((...statement: unknown[]) => {
      if (statement[0] !== "commit") return query(...statement);
      before.resolve();
      return ending.promise.then((how) => query(how));
    }) as typeof connection.query;
  });
  return {
    pool,
    beforeCommit: before.promise,
    async end(how: "commit" | "rollback", work: Promise<unknown>): Promise<void> {
      ending.resolve(how);
      await work;
      await pool.end();
    },
  };
}

/** Gives positions in a transaction that stays open, as a reader does that stands still in the midst of it. */
async function givingPositions(): Promise<{ commit(): Promise<void> }> {
  const held = holder();
  const giving = assignPositions(held.pool);
  await held.beforeCommit;
  return { commit: () => held.end("commit", giving) };
}

async function unassigned(): Promise<boolean> {
  const { rowCount } = await record.pool.query("select from appends where first_position is null limit 1");
  return rowCount === 1;
}

async function take(bodies: Buffer[]): Promise<string[]> {
  const deliveryIds = await record.receive(bodies);
  await record.settle(deliveryIds);
  return deliveryIds;
}

async function all(pool: Pool): Promise<readonly Change[]> {
  return (await readChanges(pool, { after: 0n, limit: 1_000_000 })).changes;
}

/** Every entry of the log that may have changed a person, as the log has them. */
async function logged(pool: Pool): Promise<{ entity_id: string; delivery_id: string }[]> {
  const { rows } = await pool.query<{ entity_id: string; delivery_id: string }>(`
    select entity_id, seq, delivery_id from events
    union all
    select entity_id, seq, delivery_id from redeliveries where append_id is not null
    order by entity_id, seq`);
  return rows.filter(({ entity_id }) => entity_id !== "stuck");
}

function entities(changes: readonly Change[]): string[] {
  return changes.map(({ entityId }) => entityId);
}
