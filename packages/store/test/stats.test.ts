import { STATUSES } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { afterEach, beforeEach, expect, test } from "vitest";
import { discard, readStats } from "../src/index.ts";
import { body, freshRecord, type Record as Scene } from "./persons/record.ts";

let record: Scene;
beforeEach(async () => {
  record = await freshRecord();
});
afterEach(() => record.end());

test("an empty record counts nothing", async () => {
  expect(await readStats(record.pool)).toEqual({
    naturalPersons: Object.fromEntries(STATUSES.map((status) => [status, 0])),
    deliveries: {
      total: 0,
      open: 0,
      applied: 0,
      duplicate: 0,
      deadLettered: 0,
      discarded: 0,
      oldestOpenSeconds: null,
    },
    events: { total: 0, unrecognised: {} },
    deadLetters: {},
    feed: { lastPosition: 0, behindSeconds: 0 },
  });
});

test("every number is what counting row by row gives, also of what has no position in the feed yet", async () => {
  const { webhooks } = scenario({ persons: 30, seed: 5, duplicates: 0.3, shuffle: 0.5 });
  const journey = Iterator.from(webhooks).map(({ body }) => body);
  const bad = ["no json", "{}", "[]"].map((text) => Buffer.from(text));
  const unheardOf = ["toString", "Rejected", "Rejected"].map((event, i) =>
    body(event, String(i), "e", "2026-01-01T00:00:00Z"),
  );
  const ids = await record.receive([...bad, ...unheardOf, ...journey]);
  for (let i = 0; i + 40 < ids.length; i += 40) await record.settle(ids.slice(i, i + 40));
  const waiting = ids.length % 40 || 40;
  await discard(record.pool, [ids[0] ?? ""], { operator: "op", reason: "noise" });

  const { naturalPersons, deliveries, events, deadLetters, feed } = await readStats(record.pool);
  for (const status of STATUSES)
    expect(naturalPersons[status]).toBe(await count(`natural_persons where status = '${status}'`));
  for (const [counted, outcome] of [
    [deliveries.applied, "applied"],
    [deliveries.duplicate, "duplicate"],
    [deliveries.deadLettered, "dead-lettered"],
    [deliveries.discarded, "discarded"],
  ] as const)
    expect(counted).toBe(await count(`settlements where outcome = '${outcome}'`));
  expect(deliveries.open).toBe(waiting);
  expect(deliveries.total).toBe(ids.length);
  expect(deliveries.oldestOpenSeconds).toBeGreaterThan(0);
  expect(events.total).toBe(await count("events"));
  expect(events.unrecognised["Rejected"]).toBe(2);
  expect(events.unrecognised["toString"]).toBe(1);
  expect(Object.keys(events.unrecognised).some((event) => event.startsWith("NaturalPersonPending"))).toBe(
    false,
  );
  const unrecognised = Object.values(events.unrecognised).reduce((a, b) => a + b);
  expect(unrecognised).toBe(await foldedAsUnrecognised());
  expect(deadLetters).toEqual({ unparsable: 1, "invalid-event": 1 });
  expect(feed.behindSeconds).toBe(0);
  expect(feed.lastPosition).toBe(
    (await count("events")) + (await count("redeliveries where append_id is not null")),
  );

  await record.pool.query("update appends set first_position = null where append_id > 2");
  const lock = "select pg_advisory_lock(hashtextextended('dossier: positions of the change feed', 0))";
  const other = await record.pool.connect();
  try {
    await other.query(lock);
    const behind = await readStats(record.pool);
    expect(behind.events).toEqual(events);
    expect(behind.feed.behindSeconds).toBeGreaterThan(0);
    expect(behind.feed.lastPosition).toBeLessThan(feed.lastPosition);
  } finally {
    other.release(true);
  }
});

test("an event of a type that the code has learnt since it was appended counts as recognised", async () => {
  const types = ["NaturalPersonPending", "Rejected"];
  const ids = await record.receive(types.map((event) => body(event, "1", "e", "2026-01-01T00:00:00Z")));
  await record.settle(ids);
  const { rows } = await record.pool.query("select event, recognised from events order by event");
  expect(rows).toEqual([
    { event: "NaturalPersonPending", recognised: true },
    { event: "Rejected", recognised: false },
  ]);

  // As code that did not know the type would have appended it.
  await record.pool.query("alter table events disable trigger append_only");
  await record.pool.query("update events set recognised = false");
  expect((await readStats(record.pool)).events.unrecognised).toEqual({ Rejected: 1 });
});

async function count(what: string): Promise<number> {
  const { rows } = await record.pool.query<{ count: bigint }>(`select count(*) as count from ${what}`);
  return Number(rows[0]?.count);
}

/** What the persons' files say of it. */
async function foldedAsUnrecognised(): Promise<number> {
  const { rows } = await record.pool.query<{ sum: bigint }>(
    "select sum((state->>'unrecognisedEvents')::int)::bigint as sum from natural_persons",
  );
  return Number(rows[0]?.sum);
}
