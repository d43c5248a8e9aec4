import type { Outcome, Outcomes } from "@dossier/events";
import { scenario } from "@dossier/simulator";
import { freshDatabase, openScope, waitFor, type Scope } from "@dossier/testing";
import pg from "pg";
import { beforeAll, beforeEach, onTestFinished } from "vitest";
import { transaction } from "../src/database/transaction.ts";
import { assignPositions } from "../src/feed/positions.ts";
import { discard, migrate, recordFailedAttempt, sealRecords, type Pool } from "../src/index.ts";
import { migratedDatabase, openRecord, UNPARSABLE_BODY, type TestRecord } from "./fixtures.ts";

export interface RecordOptions {
  /** Connections of the pool. */
  readonly size?: number;
  /** What the tables hold before each test: what earlier tests left, nothing, or the sample. */
  readonly start?: "kept" | "empty" | "sample";
}

/** Opens a record that the tests of a file share. Its fields are there from the first test on. */
export function useRecord({ size = 9, start = "kept" }: RecordOptions = {}): TestRecord {
  const record = {} as TestRecord;
  beforeAll(async () => {
    const scope = openScope();
    const url = await (start === "sample" ? sampleDatabase(scope) : migratedDatabase(scope));
    Object.assign(record, await openRecord(scope, { url, size }));
    return scope.close;
  });
  if (start !== "kept") beforeEach(() => restoreTables(record, start));
  return record;
}

async function restoreTables(record: TestRecord, start: "empty" | "sample"): Promise<void> {
  const tables = await tablesOf(record);
  const copies = tables.map(
    (table) => `insert into ${table} overriding system value select * from sample.${table}`,
  );
  await tamper(
    record.pool,
    `truncate ${tables.join()}`,
    ...(start === "sample" ? copies : [CHAINS_BEGIN]),
    "select setval('append_ids', coalesce(max(append_id) + 1, 1), false) from appends",
  );
}

const CHAINS_BEGIN = `insert into chain_heads select chain, 0, decode(repeat('00', 32), 'hex')
  from unnest(array['feed', 'seals']) as _ (chain)`;

/**
 * Creates a database with the sample: persons with redeliveries, dead letters, one of them discarded, a failed attempt,
 * and one open delivery. A copy of each table is in the schema `sample`.
 */
async function sampleDatabase(scope: Scope): Promise<string> {
  const { url, drop } = await freshDatabase({ name: "store_sample", make: makeSample });
  scope.onTestFinished(drop);
  return url;
}

async function makeSample(url: string): Promise<void> {
  await migrate(url);
  const scope = openScope();
  const record = await openRecord(scope, { url, size: 1 });
  const { webhooks, conflicts } = scenario({ persons: 8, seed: 4, duplicates: 0.3, shuffle: 0.3 });
  const bodies = Iterator.from(webhooks).map(({ body }) => body);
  for (const batch of chunks(bodies, 7)) await record.recordAndSettle(...batch);

  const [conflict, other] = [...conflicts].map(({ body }) => body);
  const dead = await record.record(conflict!, other!, UNPARSABLE_BODY);
  const failed = { deliveryId: dead[0]!, error: "went wrong", stack: undefined, codeVersion: "test" };
  await recordFailedAttempt(record.pool, failed, [1]);
  await record.settle(dead);
  await discard(record.pool, dead.slice(1, 2), { decidedBy: "Olga", reason: "a test of the sender's" });
  await record.record("still open");
  await assignPositions(record.pool);
  await sealRecords(record.pool);

  await record.pool.query("create schema sample");
  for (const table of await tablesOf(record))
    await record.pool.query(`create table sample.${table} as table ${table}`);
  await scope.close();
}

async function tablesOf(record: TestRecord): Promise<string[]> {
  const tables = await record.rows<{ name: string }>(
    `select relname as name from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migrations' order by 1`,
  );
  return tables.map(({ name }) => name);
}

/** Runs statements in one transaction as a superuser whom no trigger stops. */
export async function tamper(pool: Pool, ...statements: readonly string[]): Promise<void> {
  await transaction(pool, async (connection) => {
    await connection.query("set local session_replication_role = replica");
    for (const statement of statements) await connection.query(statement);
  });
}

/** Runs statements as this URL's login. Returns the first row of the last one. */
export async function queryAs(url: string, statements: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results = [await client.query<object>(statements)].flat();
    return results.at(-1)?.rows[0];
  } finally {
    await client.end();
  }
}

export interface OpenTransaction {
  run(text: string, values?: unknown[]): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
}

/** Runs a statement in a transaction that stays open until it is ended, at the latest with the test. */
export async function openTransaction(
  pool: Pool,
  text: string,
  values: unknown[] = [],
): Promise<OpenTransaction> {
  const connection = await pool.connect();
  let open = true;
  async function end(statement: "commit" | "rollback"): Promise<void> {
    if (!open) return;
    open = false;
    await connection.query(statement);
    connection.release();
  }
  onTestFinished(() => end("rollback"));
  await connection.query("begin");
  await connection.query(text, values);
  return {
    run: async (next, nextValues = []) => void (await connection.query(next, nextValues)),
    commit: () => end("commit"),
    rollback: () => end("rollback"),
  };
}

const SELECT_WAITING = `
  select pid, locktype from pg_locks join pg_stat_activity using (pid)
  where not granted and datname = current_database() and ($1::text is null or relation = to_regclass($1))`;

/** Waits until `count` connections to the pool's database wait for a lock: any, or one on `table`. */
export async function waitForLock(
  pool: Pool,
  { count = 1, table }: { readonly count?: number; readonly table?: string } = {},
): Promise<void> {
  await waitFor(
    async () => (await pool.query(SELECT_WAITING, [table])).rows,
    (waiting) => waiting.length >= count,
  );
}

/** Records each body in a commit, and thus at a time, of its own. Returns their deliveries' ids. */
export async function recordOneByOne(record: TestRecord, bodies: Iterable<Buffer>): Promise<string[]> {
  const ids: string[] = [];
  for (const body of bodies) ids.push(...(await record.record(body)));
  return ids;
}

/** Records a body and settles it. Returns its status. */
export async function settleBody(record: TestRecord, body: Buffer | string): Promise<string | undefined> {
  return (await record.statuses(await record.recordAndSettle(body)))[0];
}

/** Returns the ids of the deliveries with an outcome of this kind. */
export function idsOf(outcomes: Outcomes, kind: Outcome["kind"]): string[] {
  return [...outcomes].flatMap(([deliveryId, outcome]) => (outcome.kind === kind ? [deliveryId] : []));
}

/** Cuts a sequence into arrays of `size` items; the last one may have fewer. */
export function* chunks<T>(items: Iterator<T>, size: number): Generator<T[]> {
  for (;;) {
    const chunk: T[] = [];
    while (chunk.length < size) {
      const { value, done } = items.next();
      if (done === true) break;
      chunk.push(value);
    }
    if (chunk.length === 0) return;
    yield chunk;
  }
}
