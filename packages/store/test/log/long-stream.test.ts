import { fold, formatTicks, parseDelivery } from "@dossier/events";
import { payload } from "@dossier/simulator";
import { afterAll, beforeAll, expect, test } from "vitest";
import { settle } from "../../src/index.ts";
import { freshPool, receive, rows } from "../receive.ts";

const EVENTS = 10_000;
const entityId = "long";

let database: Awaited<ReturnType<typeof freshPool>>;
// One connection: so that what it tells of the rows that it has read is complete.
beforeAll(async () => (database = await freshPool({ size: 1 })));
afterAll(() => database.end());

const types = [
  "NaturalPersonStartedIDUpload",
  "NaturalPersonUploadedID",
  "NaturalPersonManuallyApproved",
] as const;

function send(number: number): Buffer {
  const event = types[number % types.length] ?? types[0];
  const creationTimeUtc = formatTicks(17_000_000_000_000_000n + BigInt(number));
  const data = { entity: `Name ${number}`, sessionId: String(number % 5) };
  return Buffer.from(JSON.stringify(payload({ event, id: String(number), entityId, creationTimeUtc, data })));
}

/** Settles these events, and says how many rows of each table were read for it, scans of whole tables among them. */
async function readBy(numbers: readonly number[]): Promise<Record<string, number>> {
  const { pool } = database;
  const ids = await receive(pool, numbers.map(send));
  const before = await rowsRead();
  await settle(pool, ids, "test");
  const after = await rowsRead();
  return Object.fromEntries(
    Object.entries(after).map(([table, read]) => [table, read - (before[table] ?? 0)]),
  );
}

async function rowsRead(): Promise<Record<string, number>> {
  const { pool } = database;
  await pool.query("select pg_stat_force_next_flush()");
  const found = await rows(
    pool,
    `select relname, (seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 as read from pg_stat_user_tables
     where relname in ('events', 'redeliveries', 'streams', 'natural_persons')`,
  );
  return Object.fromEntries(
    (found as { relname: string; read: number }[]).map(({ relname, read }) => [relname, read]),
  );
}

async function state(): Promise<string> {
  const [row] = await rows(database.pool, "select state from natural_persons where entity_id = $1", [
    entityId,
  ]);
  return (row as { state: string }).state;
}

function folded(numbers: readonly number[]): string {
  const events = numbers.map(send).flatMap((body) => {
    const read = parseDelivery(body);
    return read.ok ? [read.value] : [];
  });
  return JSON.stringify(fold(entityId, events)?.state);
}

// Every table's rows read are counted, not their sizes: this person has few documents, however many events. A state
// is written whole, so an event costs more where documents have become more.
test(
  "an event in order costs the same after 10,000 as after 10; a late one reads that person's events once",
  { timeout: 300_000 },
  async () => {
    const numbers = Array.from({ length: EVENTS }, (_, number) => number + 1);
    await readBy(numbers.slice(0, 9));
    const tenth = await readBy([10]);
    for (let start = 10; start < EVENTS - 1; start += 500)
      await readBy(numbers.slice(start, start + 500).filter((n) => n < EVENTS));
    const last = await readBy([EVENTS]);
    expect(last).toEqual(tenth);
    expect(last["events"]).toBeLessThanOrEqual(1);
    expect(await state()).toBe(folded(numbers));

    const late = await readBy([0]);
    expect(late["events"]).toBe(EVENTS + 1);
    expect(await state()).toBe(folded([0, ...numbers]));
    expect(await readBy([EVENTS + 1])).toEqual(last);
  },
);

test("late events of many persons at once read each of them once, and nothing of any other", async () => {
  const { pool } = database;
  const persons = Array.from({ length: 50 }, (_, number) => `late-${number}`);
  const told = (id: string, creationTimeUtc: string) =>
    persons.map((entityId) =>
      JSON.stringify(
        payload({ event: "NaturalPersonPending", id, entityId, creationTimeUtc, data: { entity: id } }),
      ),
    );
  await settle(
    pool,
    await receive(pool, [...told("3", "2026-01-03T00:00:00Z"), ...told("2", "2026-01-02T00:00:00Z")]),
    "test",
  );
  const ids = await receive(pool, told("1", "2026-01-01T00:00:00Z"));
  const before = await rowsRead();
  await settle(pool, ids, "test");
  expect((await rowsRead())["events"]).toBe((before["events"] ?? 0) + 3 * persons.length);
  const found = await rows(
    pool,
    "select distinct state->>'name' as name, state->>'version' as version from natural_persons where entity_id like 'late-%'",
  );
  expect(found).toEqual([{ name: "3", version: "3" }]);
});

test("no whole table is read, though plans were made while the tables were small", async () => {
  const { pool } = database;
  const scans = () =>
    pool
      .query("select pg_stat_force_next_flush()")
      .then(() =>
        rows(
          pool,
          "select relname, seq_scan from pg_stat_user_tables where relname <> 'migrations' order by relname",
        ),
      );
  const tell = async (prefix: string, persons: number) => {
    const told = Array.from({ length: persons }, (_, number) =>
      JSON.stringify(payload({ event: "NaturalPersonPending", entityId: `${prefix}-${number}` })),
    );
    await settle(pool, await receive(pool, [...told, ...told]), "test");
  };
  // A prepared statement is planned for good at its sixth run.
  const before = await scans();
  for (let run = 0; run < 10; run++) await tell(`small-${run}`, 20);
  await tell("large", 500);
  await tell("later", 20);
  expect(await scans()).toEqual(before);
});
