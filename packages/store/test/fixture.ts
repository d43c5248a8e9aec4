import type { Outcome, Outcomes } from "@dossier/events";
import { encode, payload, scenario } from "@dossier/simulator";
import { freshDatabase, waitFor } from "@dossier/testing";
import { v7 } from "uuid";
import { afterAll, beforeAll, beforeEach, onTestFinished } from "vitest";
import { transaction } from "../src/database/transaction.ts";
import {
  closePool,
  discard,
  migrate,
  openPool,
  recordDeliveries,
  recordFailedAttempt,
  settle,
  type Delivery,
  type Pool,
} from "../src/index.ts";

export interface TestDatabase {
  /** Of a superuser. */
  readonly url: string;
  readonly pool: Pool;
}

export interface DatabaseOptions {
  /** Connections. Default: enough for all that a test does at once, and for what waits for a lock that it holds. */
  readonly size?: number;
  /** What the tables hold before each test: what earlier tests left, nothing, or the sample record. */
  readonly start?: "kept" | "empty" | "sample";
}

/** Creates a migrated database for a test file. */
export function useDatabase({ size = 9, start = "kept" }: DatabaseOptions = {}): TestDatabase {
  let url: string;
  let pool: Pool;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const template =
      start === "sample" ? { name: "store_sample", make: makeSample } : { name: "store", make: migrate };
    ({ url, drop } = await freshDatabase(template));
    pool = openPool(url, { name: "test", size, timeoutMs: 60_000 });
  });
  afterAll(async () => {
    await closePool(pool);
    await drop();
  });
  if (start !== "kept") beforeEach(() => restoreTables(pool, start));
  return {
    get url() {
      return url;
    },
    get pool() {
      return pool;
    },
  };
}

async function restoreTables(pool: Pool, start: "empty" | "sample"): Promise<void> {
  const tables = await tableNames(pool);
  const copies = tables.map(
    (table) => `insert into ${table} overriding system value select * from sample.${table}`,
  );
  await tamper(
    pool,
    `truncate ${tables.join()}`,
    ...(start === "sample" ? copies : []),
    "select setval('append_ids', coalesce(max(append_id) + 1, 1), false) from appends",
  );
}

async function tableNames(pool: Pool): Promise<string[]> {
  const found = await rows<{ name: string }>(
    pool,
    `select relname as name from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migrations' order by 1`,
  );
  return found.map(({ name }) => name);
}

/** Returns every row of every table as a text, by the table's name. */
export async function dumpTables(pool: Pool): Promise<Record<string, unknown[]>> {
  const dumped = (await tableNames(pool)).map(
    async (table) =>
      [table, await rows(pool, `select ${table}::text as row from ${table} order by 1`)] as const,
  );
  return Object.fromEntries(await Promise.all(dumped));
}

export async function rows<R extends object = Record<string, unknown>>(
  pool: Pool,
  text: string,
  values: unknown[] = [],
): Promise<R[]> {
  return (await pool.query<R>(text, values)).rows;
}

/** Runs statements in one transaction as a superuser whom no trigger stops. */
export async function tamper(pool: Pool, ...statements: readonly string[]): Promise<void> {
  await transaction(pool, async (connection) => {
    await connection.query("set local session_replication_role = replica");
    for (const statement of statements) await connection.query(statement);
  });
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

/** Waits until `count` connections to the pool's database wait for a lock: any, or one on `table`. */
export async function waitForLock(
  pool: Pool,
  { count = 1, table }: { readonly count?: number; readonly table?: string } = {},
): Promise<void> {
  await waitFor(
    () =>
      rows(
        pool,
        `select pid, locktype from pg_locks join pg_stat_activity using (pid)
         where not granted and datname = current_database()
           and ($1::text is null or relation = to_regclass($1))`,
        [table],
      ),
    (waiting) => waiting.length >= count,
  );
}

export function delivery(body: Buffer | string, given: Partial<Delivery> = {}): Delivery {
  return {
    deliveryId: v7(),
    body: Buffer.from(body),
    headers: { "content-type": "application/json" },
    verifiedBy: "signature",
    secretFingerprint: "f00d",
    ...given,
  };
}

/** Records bodies in one commit. Returns their delivery ids. */
export async function record(pool: Pool, bodies: Iterable<Buffer | string>): Promise<string[]> {
  const deliveries = Array.from(bodies, (body) => delivery(body));
  await recordDeliveries(pool, deliveries);
  return deliveries.map(({ deliveryId }) => deliveryId);
}

/** Records each body in a commit, and thus at a time, of its own. Returns their delivery ids. */
export async function recordOneByOne(pool: Pool, bodies: Iterable<Buffer | string>): Promise<string[]> {
  const ids: string[] = [];
  for (const body of bodies) ids.push(...(await record(pool, [body])));
  return ids;
}

const CODE_VERSION = "1.0.0";

/** Records bodies and settles them, in one batch. Returns their delivery ids. */
export async function recordAndSettle(
  pool: Pool,
  ...bodies: readonly (Buffer | string)[]
): Promise<string[]> {
  const ids = await record(pool, bodies);
  await settle(pool, ids, CODE_VERSION);
  return ids;
}

/** Records a body and settles it. Returns its outcome as Postgres has it. */
export async function settleBody(pool: Pool, body: Buffer | string): Promise<string | undefined> {
  return (await settlementsOf(pool, await recordAndSettle(pool, body)))[0];
}

/** Returns the outcome of each of these deliveries as Postgres has it; `undefined` for an open one. */
export async function settlementsOf(pool: Pool, ids: readonly string[]): Promise<(string | undefined)[]> {
  const found = await rows<{ delivery_id: string; outcome: string }>(
    pool,
    "select delivery_id, outcome from settlements where delivery_id = any ($1)",
    [ids],
  );
  const outcomes = new Map(found.map(({ delivery_id, outcome }) => [delivery_id, outcome]));
  return ids.map((id) => outcomes.get(id));
}

/** Returns the ids of the deliveries with an outcome of this kind. */
export function idsOf(outcomes: Outcomes, kind: Outcome["kind"]): string[] {
  return [...outcomes].flatMap(([deliveryId, outcome]) => (outcome.kind === kind ? [deliveryId] : []));
}

/** The body of a delivery whose data has only what is given. */
export function eventBody(
  event: string,
  id: string,
  entityId: string,
  creationTimeUtc: string,
  data: object = {},
): Buffer {
  return encode({ event, id, creationTimeUtc, data: { entityId, ...data } });
}

/** The body of a complete `NaturalPersonPending`. */
export function pendingBody(entityId: string, id = "1", entity = "John Doe"): Buffer {
  return encode(payload({ event: "NaturalPersonPending", entityId, id, data: { entity } }));
}

export const UNPARSABLE = Buffer.from("not JSON at all");

/** The body of an invalid event, with a text to be found by. */
export function invalidBody(marker = "somewhere"): Buffer {
  return encode({ ...payload({ event: "NaturalPersonPending" }), id: "", marker });
}

/** Makes Postgres refuse a person's events, as a fault of the code would, until `repair` is called. */
export async function breakSettling(pool: Pool, entityId: string): Promise<{ repair(): Promise<void> }> {
  await pool.query(`
    create or replace function refuse_event() returns trigger language plpgsql as $$
    begin
      if new.entity_id = tg_argv[0] then raise exception 'broken' using errcode = '22023'; end if;
      return new;
    end $$`);
  await pool.query(
    `create trigger broken before insert on events for each row execute function refuse_event('${entityId}')`,
  );
  const repair = async () => void (await pool.query("drop trigger if exists broken on events"));
  onTestFinished(repair);
  return { repair };
}

/**
 * Makes the sample record: persons with redeliveries, dead letters, one of them discarded, a failed attempt, and one open
 * delivery. A copy of each table is in the schema `sample`.
 */
async function makeSample(url: string): Promise<void> {
  await migrate(url);
  const pool = openPool(url, { name: "test", size: 1 });
  const { webhooks, conflicts } = scenario({ persons: 8, seed: 4, duplicates: 0.3, shuffle: 0.3 });
  for (const bodies of chunks(
    Iterator.from(webhooks).map(({ body }) => body),
    7,
  ))
    await recordAndSettle(pool, ...bodies);

  const [conflict, other] = [...conflicts].map(({ body }) => body);
  const dead = await record(pool, [conflict!, other!, UNPARSABLE]);
  await recordFailedAttempt(
    pool,
    { deliveryId: dead[0]!, error: "went wrong", stack: undefined, codeVersion: CODE_VERSION },
    [1],
  );
  await settle(pool, dead, CODE_VERSION);
  await discard(pool, dead.slice(1, 2), { operator: "Olga", reason: "a test of the sender's" });
  await record(pool, ["still open"]);

  await pool.query("create schema sample");
  for (const table of await tableNames(pool))
    await pool.query(`create table sample.${table} as table ${table}`);
  await pool.end();
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
