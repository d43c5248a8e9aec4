import { scenario } from "@dossier/simulator";
import { freshDatabase } from "@dossier/testing";
import pg from "pg";
import { v7 } from "uuid";
import {
  discard,
  migrate,
  openPool,
  recordDeliveries,
  recordFailedAttempt,
  settle,
  type Pool,
} from "../../src/index.ts";

/** A record with all that can be in one: redeliveries, dead letters, one discarded, failures, one open delivery. */
export interface Scene {
  /** Of a superuser. */
  readonly url: string;
  readonly pool: Pool;
  /** Runs statements as a superuser to whom no trigger says no. */
  tamper(...statements: readonly string[]): Promise<void>;
  rows<R extends object>(statement: string): Promise<readonly R[]>;
  /** Runs a statement in a transaction that stays open until it is committed. */
  held(statement: string): Promise<Held>;
  /** Resolves when somebody waits for a lock on the table. */
  waitingFor(table: string): Promise<void>;
  end(): Promise<void>;
}

export interface Held {
  run(statement: string): Promise<void>;
  commit(): Promise<void>;
}

export async function scene(): Promise<Scene> {
  const { url, drop } = await freshDatabase({ name: "evidence", make });
  // Room for all who use it at once, and for those who wait for a lock that a test holds.
  const pool = openPool(url, { name: "test", size: 9, timeoutMs: 60_000 });
  return {
    url,
    pool,
    tamper: (...statements) =>
      connected(url, async (client) => {
        await client.query("set session_replication_role = replica");
        for (const statement of statements) await client.query(statement);
      }),
    rows: <R extends object>(statement: string) =>
      connected(url, async (client) => (await client.query<R>(statement)).rows),
    held: (statement) => hold(url, statement),
    waitingFor: (table) =>
      connected(url, async (client) => {
        const waiting = `select from pg_locks where not granted and relation = '${table}'::regclass and database =
          (select oid from pg_database where datname = current_database())`;
        while ((await client.query(waiting)).rowCount === 0);
      }),
    async end() {
      await pool.end();
      await drop();
    },
  };
}

async function hold(url: string, statement: string): Promise<Held> {
  const client = new pg.Client(url);
  await client.connect();
  const run = async (text: string) => void (await client.query(text));
  await run("begin");
  await run(statement);
  return {
    run,
    async commit() {
      await run("commit");
      await client.end();
    },
  };
}

async function connected<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

async function make(url: string): Promise<void> {
  await migrate(url);
  const pool = openPool(url, { name: "test", size: 1 });
  const { webhooks, conflicts } = scenario({ persons: 8, seed: 4, duplicates: 0.3, shuffle: 0.3 });
  const settled = Iterator.from(webhooks).map(({ body }) => body);
  for (const bodies of chunks(settled, 7)) await settle(pool, await record(pool, bodies), "1.0.0");

  const [conflict, other] = [...conflicts].map(({ body }) => body);
  const dead = await record(pool, [conflict!, other!, Buffer.from("not JSON")]);
  await recordFailedAttempt(
    pool,
    { deliveryId: dead[0]!, error: "went wrong", stack: undefined, codeVersion: "1.0.0" },
    [1],
  );
  await settle(pool, dead, "1.0.0");
  await discard(pool, dead.slice(1, 2), { operator: "Olga", reason: "a test of the sender's" });
  await record(pool, [Buffer.from("still open")]);
  await pool.end();
}

/** Records bodies and gives the deliveries' ids. */
export async function record(pool: Pool, bodies: readonly Buffer[]): Promise<readonly string[]> {
  const deliveries = bodies.map((body) => ({
    deliveryId: v7(),
    body,
    headers: { "content-type": "application/json" },
    verifiedBy: "signature" as const,
    secretFingerprint: "f00d",
  }));
  await recordDeliveries(pool, deliveries);
  return deliveries.map(({ deliveryId }) => deliveryId);
}

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
