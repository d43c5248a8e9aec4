import { STATUSES } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { expect, test } from "vitest";
import { discard, readStats, settle } from "../src/index.ts";
import { openTransaction, tamper, useRecord } from "./database.ts";
import { eventBody } from "./fixtures.ts";

const database = useRecord({ start: "empty" });

test("every number of an empty record is 0", async () => {
  expect(await readStats(database.pool)).toEqual({
    naturalPersons: Object.fromEntries(STATUSES.map((status) => [status, 0])),
    deliveries: {
      total: 0,
      open: 0,
      overdue: 0,
      failing: 0,
      applied: 0,
      duplicate: 0,
      deadLettered: 0,
      discarded: 0,
      oldestOpenSeconds: null,
    },
    events: { total: 0, unrecognised: {} },
    deadLetters: {},
    feed: { lastPosition: 0, behindSeconds: 0 },
    rebuild: { needed: false, outdatedPersons: 0, unfoldedPersons: 0, eventsKnownNow: {} },
  });
});

test("every number equals a count of rows, also for changes without a position in the feed", async () => {
  const { pool } = database;
  const { webhooks } = scenario({ persons: 30, seed: 5, duplicates: 0.3, shuffle: 0.5 });
  const bodies = Iterator.from(webhooks).map(({ body }) => body);
  const bad = ["no json", "{}", "[]"].map((text) => Buffer.from(text));
  const unrecognisedBodies = ["toString", "Rejected", "Rejected"].map((event, i) =>
    eventBody("e", { event, id: String(i), creationTimeUtc: "2026-01-01T00:00:00Z" }),
  );
  const ids = await database.record(...bad, ...unrecognisedBodies, ...bodies);
  for (let i = 0; i + 40 < ids.length; i += 40) await settle(pool, ids.slice(i, i + 40), "test");
  const open = ids.length % 40 || 40;
  await discard(database.pool, [ids[0] ?? ""], { decidedBy: "op", reason: "noise" });

  const { naturalPersons, deliveries, events, deadLetters, feed } = await readStats(database.pool);
  for (const status of STATUSES)
    expect(naturalPersons[status]).toBe(await count(`natural_persons where status = '${status}'`));
  for (const [counted, settledAs] of [
    [deliveries.applied, "applied"],
    [deliveries.duplicate, "duplicate"],
    [deliveries.deadLettered, "dead-lettered"],
    [deliveries.discarded, "discarded"],
  ] as const)
    expect(counted).toBe(await count(`settlements where settled_as = '${settledAs}'`));
  expect(deliveries.open).toBe(open);
  expect(deliveries.total).toBe(ids.length);
  expect(deliveries.oldestOpenSeconds).toBeGreaterThan(0);
  expect(events.total).toBe(await count("events"));
  expect(events.unrecognised["Rejected"]).toBe(2);
  expect(events.unrecognised["toString"]).toBe(1);
  expect(Object.keys(events.unrecognised).some((event) => event.startsWith("NaturalPersonPending"))).toBe(
    false,
  );
  const unrecognised = Object.values(events.unrecognised).reduce((a, b) => a + b);
  expect(unrecognised).toBe(await sumUnrecognised());
  expect(deadLetters).toEqual({ unparsable: 1, "invalid-event": 1 });
  expect(feed.behindSeconds).toBe(0);
  expect(feed.lastPosition).toBe(
    (await count("events")) + (await count("redeliveries where append_id is not null")),
  );

  await database.pool.query("update appends set first_position = null where append_id > 2");
  // No positions are assigned while another reader holds the lock.
  await openTransaction(pool, "select from chain_heads where chain = 'feed' for update");
  const behind = await readStats(pool);
  expect(behind.events).toEqual(events);
  expect(behind.feed.behindSeconds).toBeGreaterThan(0);
  expect(behind.feed.lastPosition).toBeLessThan(feed.lastPosition);
});

test("an event whose type became known after it was appended counts as recognised", async () => {
  const { pool } = database;
  const types = ["NaturalPersonPending", "Rejected"];
  await database.recordAndSettle(
    ...types.map((event) => eventBody("e", { event, id: "1", creationTimeUtc: "2026-01-01T00:00:00Z" })),
  );
  expect(await database.rows("select event, recognised from events order by event")).toEqual([
    { event: "NaturalPersonPending", recognised: true },
    { event: "Rejected", recognised: false },
  ]);

  // As code that does not know the types would have appended them.
  await tamper(pool, "update events set recognised = false");
  expect((await readStats(database.pool)).events.unrecognised).toEqual({ Rejected: 1 });
});

async function count(what: string): Promise<number> {
  const [row] = await database.rows<{ count: bigint }>(`select count(*) as count from ${what}`);
  return Number(row?.count);
}

/** Returns the sum of the persons' own counts. */
async function sumUnrecognised(): Promise<number> {
  const [row] = await database.rows<{ sum: bigint }>(
    "select sum((state->>'unrecognisedEvents')::int)::bigint as sum from natural_persons",
  );
  return Number(row?.sum);
}
