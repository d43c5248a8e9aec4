import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openQueue, type DeliveryQueue, type JobCounts } from "@dossier/queue";
import { createLogger } from "@dossier/service";
import { encode, payload } from "@dossier/simulator";
import { migrate, openPool, recordDeliveries, type Pool } from "@dossier/store";
import { freshDatabase, freshRedis, waitFor } from "@dossier/testing";
import { expect, vi, type TestContext } from "vitest";
import type { WorkerConfig } from "../src/config.ts";
import { startWorker } from "../src/start.ts";

// Many processes are started here, on machines of any speed. These times only end what hangs.
const TIMEOUT_MS = 300_000;
vi.setConfig({ testTimeout: TIMEOUT_MS, hookTimeout: TIMEOUT_MS });

export interface Servers {
  readonly databaseUrl: string;
  /** Without it, the queue is in Postgres. */
  readonly redisUrl: string | undefined;
}

/** Returns a database of its own and an empty Redis, on servers that other tests use too. */
export async function sharedServers(context: TestContext): Promise<Servers & { readonly redisUrl: string }> {
  const redisUrl = await freshRedis(context);
  const database = await freshDatabase({ name: "worker", make: migrate });
  context.onTestFinished(() => database.drop());
  return { databaseUrl: database.url, redisUrl };
}

/** A line of the worker's log. */
export interface Line {
  readonly code: string;
  readonly [field: string]: unknown;
}

/** Opens the inbox and the queue. They, and workers started with `startWorker`, are closed when the test ends. */
export function createHarness(context: TestContext, { databaseUrl, redisUrl }: Servers) {
  const pool = openPool(databaseUrl, { name: "test", size: 4 });
  context.onTestFinished(() => pool.end());
  const location = redisUrl === undefined ? { databaseUrl } : { redisUrl };
  const queue = openQueue(location, { name: "test", timeoutMs: 10_000, onError: () => undefined });
  context.onTestFinished(() => queue.close());

  /** Records deliveries as ingest does, and enqueues no job. */
  async function record(...bodies: readonly Buffer[]): Promise<string[]> {
    const deliveries = bodies.map((body) => ({
      deliveryId: randomUUID(),
      body,
      headers: {},
      verifiedBy: "signature" as const,
      secretFingerprint: "sha256:0",
    }));
    await recordDeliveries(pool, deliveries);
    return deliveries.map(({ deliveryId }) => deliveryId);
  }

  return {
    pool,
    queue,
    record,
    /** Records deliveries as ingest does, and enqueues one job for all of them. */
    async deliver(...bodies: readonly Buffer[]): Promise<string[]> {
      const deliveryIds = await record(...bodies);
      await queue.enqueue(deliveryIds);
      return deliveryIds;
    },
    /** Starts a worker in this process. */
    async startWorker(overrides: Partial<WorkerConfig> = {}) {
      const lines: Line[] = [];
      const log = createLogger({
        service: "worker",
        level: "info",
        destination: { write: (line) => void lines.push(JSON.parse(line)) },
      });
      const config: WorkerConfig = {
        PORT: 0,
        LOG_LEVEL: "info",
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        WORKER_CONCURRENCY: 8,
        MAX_ATTEMPTS: 3,
        ...overrides,
      };
      const shutdown = new AbortController();
      const started = await startWorker(config, log, shutdown.signal);
      if (!started.ok) throw new Error(started.error);
      context.onTestFinished(async () => {
        shutdown.abort();
        for (const step of Object.values(started.value.shutdown)) await step();
      });
      return observe(started.value.port, lines);
    },
  };
}

/** Returns what can be seen of a worker from outside. */
function observe(port: number, lines: readonly Line[]) {
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  return {
    lines,
    get,
    /** Returns its log lines with this code. */
    logged: (code: string) => lines.filter((line) => line.code === code),
    waitForLog: (code: string) => waitFor(() => lines.find((line) => line.code === code)),
    waitForReadyz: (expected: 200 | 503) =>
      waitFor(
        async () => (await get("/readyz")).status,
        (status) => expect(status).toBe(expected),
      ),
    /** Returns the value of a sample such as `name` or `name{label="…"}`; undefined if there is none. */
    async metric(sample: string): Promise<number | undefined> {
      const text = await (await get("/metrics")).text();
      const line = text.split("\n").find((each) => each.startsWith(`${sample} `));
      return line === undefined ? undefined : Number(line.slice(sample.length));
    },
  };
}

export interface ProcessOptions {
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a worker as a process of its own, which ends with the test at the latest. */
export function spawnWorker(
  context: TestContext,
  { databaseUrl, redisUrl }: Servers,
  { execArgv = [], env = {} }: ProcessOptions = {},
) {
  const child = spawn(process.execPath, [...execArgv, join(import.meta.dirname, "fixtures", "worker.ts")], {
    env: { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, PORT: "0", MAX_ATTEMPTS: "3", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: Line[] = [];
  createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const ended = once(child, "close").then(([code, signal]: unknown[]) => ({ code, signal }));
  context.onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    waitForLog: (code: string) => waitFor(() => lines.find((line) => line.code === code)),
    /** Waits until it takes jobs. Returns what can be seen of it. */
    async started() {
      const { port } = await waitFor(() => lines.find((line) => line.code === "worker-started"));
      return observe(Number(port), lines);
    },
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    /** Sends a signal and waits for the end of the process. */
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
    ended,
  };
}

/** Returns the outcome of each delivery: `open`, how it was settled, or for a dead letter its reason. */
export async function outcomesOf(pool: Pool, deliveryIds: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ delivery_id: string; outcome: string }>(
    `select delivery_id, coalesce(
       case outcome when 'dead-lettered' then (
         select reason from dead_letters where dead_letters.delivery_id = deliveries.delivery_id
         order by dead_letter_id desc limit 1) else outcome end,
       'open') as outcome
     from deliveries left join settlements using (delivery_id)
     where delivery_id = any ($1)`,
    [deliveryIds],
  );
  const outcomes = new Map(rows.map(({ delivery_id, outcome }) => [delivery_id, outcome]));
  return deliveryIds.map((deliveryId) => outcomes.get(deliveryId) ?? "lost");
}

/** Waits until the deliveries have these outcomes, or all of them this one. */
export async function waitForOutcomes(
  pool: Pool,
  deliveryIds: readonly string[],
  expected: readonly string[] | string,
): Promise<void> {
  const all = typeof expected === "string" ? deliveryIds.map(() => expected) : expected;
  await waitFor(
    () => outcomesOf(pool, deliveryIds),
    (outcomes) => expect(outcomes).toEqual(all),
  );
}

/** Waits until the queue has these numbers of jobs. */
export async function waitForCounts(queue: DeliveryQueue, expected: Partial<JobCounts>): Promise<void> {
  await waitFor(
    () => queue.counts(),
    (counts) => expect(counts).toMatchObject(expected),
  );
}

/** Waits until the delivery's own job has this state, and returns the job's error. */
export async function waitForSingle(
  queue: DeliveryQueue,
  deliveryId: string,
  state: "completed" | "failed",
): Promise<string | undefined> {
  const job = await waitFor(async () => {
    const found = await queue.bullmq.getJob(`delivery-${deliveryId}`);
    return (await found?.getState()) === state && found;
  });
  return job.failedReason;
}

export async function countRows(pool: Pool, table: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(`select count(*)::int as count from ${table}`);
  return rows[0]?.count ?? 0;
}

/** Returns the body of an event of a person. */
export function event(entityId: string, id: string = randomUUID(), data: { entity?: string } = {}): Buffer {
  return encode(payload({ event: "NaturalPersonPending", entityId, id, data }));
}

/** Makes every open delivery due, so that the sweeper enqueues it. */
export async function makeDue(pool: Pool): Promise<void> {
  await pool.query("update open_deliveries set due_at = now()");
}

/** Keeps the sweeper from every delivery that is open now, on a machine of any speed. */
export async function makeNotDue(pool: Pool): Promise<void> {
  await pool.query("update open_deliveries set due_at = now() + interval '1 day'");
}
