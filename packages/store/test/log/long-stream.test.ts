import { fold, formatTicks, parseDelivery } from "@dossier/events";
import { payload } from "@dossier/simulator";
import { expect, test } from "vitest";
import { settle } from "../../src/index.ts";
import { useRecord } from "../database.ts";

const EVENTS = 10_000;
const entityId = "long";

// One connection, whose statistics hold all rows that were read.
const database = useRecord({ size: 1 });

const types = [
  "NaturalPersonStartedIDUpload",
  "NaturalPersonUploadedID",
  "NaturalPersonManuallyApproved",
] as const;

function body(number: number): Buffer {
  const event = types[number % types.length] ?? types[0];
  const creationTimeUtc = formatTicks(17_000_000_000_000_000n + BigInt(number));
  const data = { entity: `Name ${number}`, sessionId: String(number % 5) };
  return Buffer.from(JSON.stringify(payload({ event, id: String(number), entityId, creationTimeUtc, data })));
}

/** Settles these events. Returns how many rows of each table were read for it, scans of whole tables included. */
async function countReads(numbers: readonly number[]): Promise<Record<string, number>> {
  const { pool } = database;
  const ids = await database.record(...numbers.map(body));
  const before = await selectRowsRead();
  await settle(pool, ids, "test");
  const after = await selectRowsRead();
  return Object.fromEntries(
    Object.entries(after).map(([table, read]) => [table, read - (before[table] ?? 0)]),
  );
}

async function selectRowsRead(): Promise<Record<string, number>> {
  const { pool } = database;
  await pool.query("select pg_stat_force_next_flush()");
  const found =
    await database.rows(`select relname, (seq_tup_read + coalesce(idx_tup_fetch, 0))::float8 as read from pg_stat_user_tables
     where relname in ('events', 'redeliveries', 'streams', 'natural_persons')`);
  return Object.fromEntries(
    (found as { relname: string; read: number }[]).map(({ relname, read }) => [relname, read]),
  );
}

async function storedState(): Promise<string | undefined> {
  const select = "select state from natural_persons where entity_id = $1";
  const [row] = await database.rows<{ state: string }>(select, [entityId]);
  return row?.state;
}

function foldedState(numbers: readonly number[]): string {
  const events = numbers.map(body).flatMap((body) => {
    const parsed = parseDelivery(body);
    return parsed.ok ? [parsed.value] : [];
  });
  return JSON.stringify(fold(entityId, events)?.state);
}

// This counts rows that were read, not their sizes. The person has few documents, however many events: a state is
// written whole, so an event costs more if there are more documents.
test(
  "the 10,000th event reads as many rows as the 10th; one out of order reads the person's events once",
  { timeout: 300_000 },
  async () => {
    const numbers = Array.from({ length: EVENTS }, (_, number) => number + 1);
    await countReads(numbers.slice(0, 9));
    const tenth = await countReads([10]);
    for (let start = 10; start < EVENTS - 1; start += 500)
      await countReads(numbers.slice(start, start + 500).filter((n) => n < EVENTS));
    const last = await countReads([EVENTS]);
    expect(last).toEqual(tenth);
    expect(last["events"]).toBeLessThanOrEqual(1);
    expect(await storedState()).toBe(foldedState(numbers));

    const outOfOrder = await countReads([0]);
    expect(outOfOrder["events"]).toBe(EVENTS + 1);
    expect(await storedState()).toBe(foldedState([0, ...numbers]));
    expect(await countReads([EVENTS + 1])).toEqual(last);
  },
);

test("events of many persons that arrive out of order read only these persons' events, each once", async () => {
  const { pool } = database;
  const persons = Array.from({ length: 50 }, (_, number) => `out-of-order-${number}`);
  const bodies = (id: string, creationTimeUtc: string) =>
    persons.map((entityId) =>
      JSON.stringify(
        payload({ event: "NaturalPersonPending", id, entityId, creationTimeUtc, data: { entity: id } }),
      ),
    );
  await settle(
    pool,
    await database.record(...bodies("3", "2026-01-03T00:00:00Z"), ...bodies("2", "2026-01-02T00:00:00Z")),
    "test",
  );
  const ids = await database.record(...bodies("1", "2026-01-01T00:00:00Z"));
  const before = await selectRowsRead();
  await settle(pool, ids, "test");
  expect((await selectRowsRead())["events"]).toBe((before["events"] ?? 0) + 3 * persons.length);
  const found = await database.rows(
    "select distinct state->>'name' as name, state->>'version' as version from natural_persons where entity_id like 'out-of-order-%'",
  );
  expect(found).toEqual([{ name: "3", version: "3" }]);
});

test("no whole table is scanned, though plans were made while the tables were small", async () => {
  const { pool } = database;
  const scans = () =>
    pool
      .query("select pg_stat_force_next_flush()")
      .then(() =>
        database.rows(
          "select relname, seq_scan from pg_stat_user_tables where relname <> 'migrations' order by relname",
        ),
      );
  const settleTwice = async (prefix: string, persons: number) => {
    const bodies = Array.from({ length: persons }, (_, number) =>
      JSON.stringify(payload({ event: "NaturalPersonPending", entityId: `${prefix}-${number}` })),
    );
    await settle(pool, await database.record(...bodies, ...bodies), "test");
  };
  // Postgres may keep the plan of a prepared statement from its sixth run on.
  const before = await scans();
  for (let run = 0; run < 10; run++) await settleTwice(`small-${run}`, 20);
  await settleTwice("large", 500);
  await settleTwice("later", 20);
  expect(await scans()).toEqual(before);
});
