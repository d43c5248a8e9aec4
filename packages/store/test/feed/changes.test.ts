import { setImmediate as yieldToOthers } from "node:timers/promises";
import { scenario } from "@dossier/simulator";
import pg from "pg";
import { expect, test } from "vitest";
import { assignPositions } from "../../src/feed/positions.ts";
import {
  FEED_START,
  openPool,
  readChanges,
  rebuild,
  settle,
  verifyEvidence,
  watchChanges,
  type Change,
  type ChangeFilter,
  type ChangePage,
  type Cursor,
  type Pool,
} from "../../src/index.ts";
import { recordOneByOne, tamper, useRecord } from "../database.ts";
import { createLogin, eventBody } from "../fixtures.ts";

const database = useRecord({ start: "empty" });

const AT = "2026-01-01T00:00:00Z";
const pending = (entityId: string, id = "1") =>
  eventBody(entityId, { event: "NaturalPersonPending", id, creationTimeUtc: AT });

test("changes have their events' data and are numbered from 1; an earlier time is a change of its own", async () => {
  const [one, two, three] = await database.recordAndSettle(
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000002Z",
      data: { entity: "Ada" },
    }),
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000003Z",
      data: { entity: "Ada" },
    }),
    eventBody("e", {
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000001Z",
      data: { entity: "Ada" },
    }),
  );
  expect(two).toBeDefined();
  const identity = { entityId: "e", event: "NaturalPersonPending", id: "1" };
  expect(await readAll(database.pool)).toMatchObject([
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

test("appends that commit out of order are all read, and none gets a position that was passed", async () => {
  const held = [await hold("a"), await hold("b"), await hold("c")];
  await database.recordAndSettle(pending("d"));
  const first = await read({ limit: 10 });
  expect(entitiesOf(first.changes)).toEqual(["d"]);

  await held[1]?.commit();
  const second = await read({ after: first.next, limit: 10 });
  expect(entitiesOf(second.changes)).toEqual(["b"]);

  await held[0]?.commit();
  await database.recordAndSettle(pending("e"));
  const third = await read({ after: second.next, limit: 10 });
  expect(entitiesOf(third.changes)).toEqual(["a", "e"]);

  await held[2]?.rollback();
  const last = await read({ after: third.next, limit: 10 });
  expect(last).toEqual({ changes: [], next: third.next });
  expect(entitiesOf(await readAll(database.pool))).toEqual(["d", "b", "a", "e"]);
});

test("with many writers and readers, every reader sees every change once, in the same order", async () => {
  // No one waits for an append that does not commit.
  const stuck = await hold("stuck");
  const { webhooks } = scenario({ persons: 30, seed: 3, duplicates: 0.2, shuffle: 0.3 });
  const ids = await recordOneByOne(
    database,
    Iterator.from(webhooks).map(({ body }) => body),
  );
  const batches = Array.from({ length: Math.ceil(ids.length / 5) }, (_, i) => ids.slice(i * 5, i * 5 + 5));

  let writing = true;
  const readers = [1, 3, 10, 100].map(async (limit) => {
    const seen: Change[] = [];
    for (let after = FEED_START; ;) {
      const over = !writing && !(await unassigned());
      const { changes, next } = await read({ after, limit });
      seen.push(...changes);
      after = next;
      if (over && changes.length === 0) return seen;
      await yieldToOthers();
    }
  });
  const queue = batches.values();
  const writers = [1, 2, 3].map(async () => {
    for (const batch of queue) await settle(database.pool, batch, "test");
  });
  await Promise.all(writers);
  writing = false;

  const [seen = [], ...others] = await Promise.all(readers);
  for (const other of others) expect(other).toEqual(seen);
  expect(seen.map(({ position }) => position)).toEqual(seen.map((_, i) => BigInt(i + 1)));
  const log = await readLog();
  expect(seen.length).toBe(log.length);
  const feedOf = Map.groupBy(seen, ({ entityId }) => entityId);
  for (const [entityId, entries] of Map.groupBy(log, ({ entity_id }) => entity_id))
    expect(feedOf.get(entityId)?.map((change) => "deliveryId" in change && change.deliveryId)).toEqual(
      entries.map(({ delivery_id }) => delivery_id),
    );

  await stuck.commit();
  const { changes } = await read({ after: seen.at(-1), limit: 10 });
  expect(entitiesOf(changes)).toEqual(["stuck"]);
});

test("while one reader assigns positions, the others read on without waiting", async () => {
  await database.recordAndSettle(pending("a"));
  expect(entitiesOf(await readAll(database.pool))).toEqual(["a"]);
  await database.recordAndSettle(pending("b"), pending("c"));

  const other = await holdAssignment();
  await database.recordAndSettle(pending("d"));
  expect(entitiesOf(await readAll(database.pool))).toEqual(["a"]);
  await other.commit();
  const changes = await readAll(database.pool);
  expect(entitiesOf(changes)).toEqual(["a", "b", "c", "d"]);
  expect(changes.map(({ position }) => position)).toEqual([1n, 2n, 3n, 4n]);
});

test("pages of any size can be read from any position", async () => {
  for (const size of [3, 1, 5, 2, 4])
    await database.recordAndSettle(...Array.from({ length: size }, (_, i) => pending(`e-${size}-${i}`)));
  const whole = await readAll(database.pool);
  expect(whole.length).toBe(15);
  for (let start = 0; start <= 15; start++)
    for (const limit of [1, 2, 4, 20]) {
      const { changes, next } = await read({ after: whole[start - 1], limit });
      expect(changes).toEqual(whole.slice(start, start + limit));
      expect(next).toMatchObject(cursorOf(changes.at(-1) ?? whole[14]));
    }
});

test("a position that the feed does not have, or that is another change's now, is unknown", async () => {
  await database.recordAndSettle(pending("a"), pending("b"));
  const [first, second] = await readAll(database.pool);
  const after = cursorOf(second);
  await tamper(database.pool, "truncate events, appends, streams, natural_persons, person_search");
  const page = { limit: 10, after };
  expect(await readChanges(database.pool, page)).toBe("position-unknown");
  await database.recordAndSettle(pending("c"), pending("d"), pending("e"));
  expect(await readChanges(database.pool, page)).toBe("position-unknown");
  expect(await readChanges(database.pool, { ...page, after: cursorOf(first) })).toBe("position-unknown");
});

test("a change carries the status that its person has after the commit, out of order too", async () => {
  const approved = eventBody("a", { event: "NaturalPersonAutoApproved", id: "2", creationTimeUtc: AT });
  await database.recordAndSettle(pending("a"));
  await database.recordAndSettle(approved, pending("b"));
  const early = { event: "NaturalPersonPending", id: "0", creationTimeUtc: "2025-01-01T00:00:00Z" };
  await database.recordAndSettle(eventBody("a", early), pending("c"));
  const statuses = (await readAll(database.pool)).map(({ entityId, status }) => `${entityId} ${status}`);
  expect(statuses.toSorted()).toEqual(["a approved", "a approved", "a pending", "b pending", "c pending"]);
});

test("filters by person, type and status skip the others, and next is the last one looked at", async () => {
  const approved = eventBody("b", { event: "NaturalPersonAutoApproved", id: "2", creationTimeUtc: AT });
  for (const body of [pending("a"), pending("b"), approved, pending("c")])
    await database.recordAndSettle(body);
  const whole = await readAll(database.pool);
  for (const [filter, positions] of [
    [{ entityId: "b" }, [2n, 3n]],
    [{ event: "NaturalPersonPending" }, [1n, 2n, 4n]],
    [{ status: "approved" }, [3n]],
    [{ entityId: "b", status: "pending" }, [2n]],
    [{ entityId: "none" }, []],
  ] as const) {
    const { changes, next } = await read({ filter });
    expect(changes.map(({ position }) => position)).toEqual(positions);
    expect(next).toEqual(cursorOf(whole[3]));
    const { next: one } = await read({ filter, limit: 1 });
    expect(one.position).toBe(positions[0] ?? 4n);
  }
});

test("a page ends with the change at which its deliveries have a MiB, and the next one continues", async () => {
  const data = { message: "x".repeat(600_000) };
  const bodies = ["a", "b", "c", "d"].map((entityId) => eventBody(entityId, { data }));
  await database.recordAndSettle(...bodies, pending("e"));
  const first = await read({});
  expect(entitiesOf(first.changes)).toEqual(["a", "b"]);
  const second = await read({ after: first.next, filter: { event: "NaturalPersonPending" } });
  expect(entitiesOf(second.changes)).toEqual(["c", "d"]);
  expect(entitiesOf((await read({ after: second.next })).changes)).toEqual(["e"]);
});

test("a rebuild appends a change for each person whom it changes, and no other", async () => {
  await database.recordAndSettle(pending("a"), pending("b"), pending("c"));
  const before = (await readAll(database.pool)).at(-1);
  await tamper(
    database.pool,
    // Another version of the fold made the same state.
    "update natural_persons set fold_version = 0 where entity_id = 'a'",
    "update natural_persons set status = 'approved' where entity_id = 'b'",
    "delete from natural_persons where entity_id = 'c'",
    `insert into natural_persons select 'ghost', status, review_needed, search, state, last_ticks, last_event, last_id, fold_version
     from natural_persons where entity_id = 'a'`,
  );
  await rebuild(database.url);
  const { changes, next } = await read({ after: before });
  expect(changes).toMatchObject([
    { kind: "rebuilt", position: 4n, entityId: "b", status: "pending", rebuiltAt: expect.any(String) },
    { kind: "rebuilt", position: 5n, entityId: "c", status: "pending" },
    { kind: "rebuilt", position: 6n, entityId: "ghost", status: null },
  ]);
  await rebuild(database.url);
  expect(await read({ after: next })).toEqual({ changes: [], next });
  expect((await verifyEvidence(database.pool)).findings).toEqual([]);
});

test("the console can read the feed and assign positions", async () => {
  await database.recordAndSettle(pending("e"));
  const service = openPool(await createLogin(database.url, "console"), { name: "service", size: 2 });
  try {
    expect(entitiesOf(await readAll(service))).toEqual(["e"]);
  } finally {
    await service.end();
  }
});

test("a change ends the wait for it, and so does an abort", async () => {
  const watch = watchChanges(database.pool, { everyMs: 1 });
  const abort = new AbortController();
  const waiting = [
    watch.waitBeyond(0n, abort.signal),
    watch.waitBeyond(0n, abort.signal),
    watch.waitBeyond(1n, abort.signal),
  ];
  await database.recordAndSettle(pending("e"));
  expect(await waiting[0]).toBe(true);
  expect(await waiting[1]).toBe(true);
  abort.abort();
  expect(await waiting[2]).toBe(false);
  expect(await watch.waitBeyond(0n, AbortSignal.abort())).toBe(false);
});

test("a hundred waiting readers query Postgres no more than one does", async () => {
  let queries = 0;
  const counted = Object.create(database.pool, {
    query: {
      value: (query: pg.QueryConfig) => {
        if (query.name === "select_last_position") queries++;
        return database.pool.query(query);
      },
    },
  }) as Pool;
  const watch = watchChanges(counted, { everyMs: 1 });
  const waiting = Array.from({ length: 100 }, () => watch.waitBeyond(0n, AbortSignal.timeout(60_000)));
  await database.recordAndSettle(pending("e"));
  await Promise.all(waiting);
  const before = queries;
  await Promise.all(Array.from({ length: 100 }, () => watch.waitBeyond(0n, AbortSignal.timeout(60_000))));
  expect(queries).toBe(before + 1);
});

test("an outage ends the wait with its error, and readers can wait again", async () => {
  const unreachable = openPool("postgres://nobody@127.0.0.1:1/none", { name: "unreachable", size: 1 });
  const watch = watchChanges(unreachable, { everyMs: 1 });
  const wait = () => watch.waitBeyond(0n, AbortSignal.timeout(60_000));
  await expect(Promise.all([wait(), wait()])).rejects.toThrow("ECONNREFUSED");
  await expect(wait()).rejects.toThrow("ECONNREFUSED");
  await unreachable.end();
});

/** Settles one new event in a transaction that stays open until it is ended. */
async function hold(entityId: string): Promise<{ commit(): Promise<void>; rollback(): Promise<void> }> {
  const ids = await database.record(pending(entityId));
  const held = openHeldPool();
  const settled = settle(held.pool, ids, "test");
  await held.beforeCommit;
  return { commit: () => held.end("commit", settled), rollback: () => held.end("rollback", settled) };
}

/** Opens a pool whose transaction waits before its commit until `end` is called. */
function openHeldPool() {
  // Longer than any test.
  const pool = openPool(database.url, { name: "held", size: 1, timeoutMs: 3_600_000 });
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

/** Assigns positions in a transaction that stays open, as a reader does that hangs. */
async function holdAssignment(): Promise<{ commit(): Promise<void> }> {
  const held = openHeldPool();
  const assigned = assignPositions(held.pool);
  await held.beforeCommit;
  return { commit: () => held.end("commit", assigned) };
}

async function unassigned(): Promise<boolean> {
  const found = await database.rows("select from appends where first_position is null limit 1");
  return found.length === 1;
}

async function readAll(pool: Pool): Promise<readonly Change[]> {
  return (await read({ limit: 1_000_000, pool })).changes;
}

interface ReadOptions {
  readonly after?: Cursor | undefined;
  readonly limit?: number;
  readonly filter?: ChangeFilter;
  readonly pool?: Pool;
}

async function read({ after, limit = 10, filter, pool = database.pool }: ReadOptions): Promise<ChangePage> {
  const page = await readChanges(pool, { after: after ?? FEED_START, limit }, filter);
  if (page === "position-unknown") throw new Error("the position is unknown");
  return page;
}

function cursorOf(change: Change | undefined): Cursor {
  return change === undefined ? FEED_START : { position: change.position, check: change.check };
}

/** Returns every entry of the log that may have changed a person. */
async function readLog(): Promise<{ entity_id: string; delivery_id: string }[]> {
  const entries = await database.rows<{
    entity_id: string;
    delivery_id: string;
  }>(`select entity_id, seq, delivery_id from events
    union all
    select entity_id, seq, delivery_id from redeliveries where append_id is not null
    order by entity_id, seq`);
  return entries.filter(({ entity_id }) => entity_id !== "stuck");
}

function entitiesOf(changes: readonly Change[]): string[] {
  return changes.map(({ entityId }) => entityId);
}
