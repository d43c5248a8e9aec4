import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { migrateQueue, openQueue, type JobCounts } from "@dossier/queue";
import { createLogger, serveOps } from "@dossier/service";
import { readInstallationId } from "@dossier/store";
import { createLogin, eventBody, migratedDatabase, openRecord } from "@dossier/store/fixtures";
import { captureLog, freshRedis, startNode, waitFor, type LogLines } from "@dossier/testing";
import { expect, type TestContext } from "vitest";
import type { WorkerConfig } from "../src/config.ts";
import { startWorker, type Limits } from "../src/start.ts";

export interface Servers {
  readonly databaseUrl: string;
  /** Without it, the queue is in Postgres. */
  readonly redisUrl: string | undefined;
}

/** Returns a database of its own and an empty Redis, on servers that other tests use too. */
export async function sharedServers(context: TestContext): Promise<Servers & { readonly redisUrl: string }> {
  return { redisUrl: await freshRedis(context), databaseUrl: await migratedDatabase(context) };
}

/** Opens the record and the queue. They, and workers started with `startWorker`, are closed when the test ends. */
export async function createHarness(context: TestContext, servers: Servers | Promise<Servers>) {
  const { databaseUrl, redisUrl } = await servers;
  const { pool, record, statuses } = await openRecord(context, { url: databaseUrl, size: 4 });
  const location =
    redisUrl === undefined ? { databaseUrl } : { redisUrl, installationId: () => readInstallationId(pool) };
  const queue = openQueue(location, { name: "test", timeoutMs: 10_000, onError: () => undefined });
  context.onTestFinished(() => queue.close());

  return {
    pool,
    queue,
    record,
    statuses,
    /** Records deliveries in one commit and enqueues one job for them, as ingest does. */
    async deliver(...bodies: readonly Buffer[]): Promise<string[]> {
      const deliveryIds = await record(...bodies);
      await queue.enqueue(deliveryIds);
      return deliveryIds;
    },
    /** Waits until the deliveries have these statuses, or all of them this one. */
    async waitForStatuses(
      deliveryIds: readonly string[],
      expected: readonly string[] | string,
    ): Promise<void> {
      const all = typeof expected === "string" ? deliveryIds.map(() => expected) : expected;
      await waitFor(
        () => statuses(deliveryIds),
        (found) => expect(found).toEqual(all),
      );
    },
    /** Waits until the queue has these numbers of jobs. */
    async waitForCounts(expected: Partial<JobCounts>): Promise<void> {
      await waitFor(
        () => queue.counts(),
        (counts) => expect(counts).toMatchObject(expected),
      );
    },
    /** Waits until the delivery's own job has this state. Returns the job's error. */
    async waitForSingle(deliveryId: string, state: "completed" | "failed"): Promise<string | undefined> {
      const jobId = `delivery-${deliveryId}`;
      await waitFor(
        async () => (await queue.bullmq()).getJobState(jobId),
        (found) => expect(found).toBe(state),
      );
      return (await (await queue.bullmq()).getJob(jobId))?.failedReason;
    },
    async countRows(table: string): Promise<number> {
      const { rowCount } = await pool.query(`select from ${table}`);
      return rowCount ?? 0;
    },
    /** Makes every open delivery due, so that the sweeper enqueues it. */
    makeDue: () => pool.query("update open_deliveries set due_at = now()"),
    /** Keeps the sweeper from every delivery that is open now, on a machine of any speed. */
    makeNotDue: () => pool.query("update open_deliveries set due_at = now() + interval '1 day'"),
    /** Starts a worker in this process. */
    async startWorker(overrides: Partial<WorkerConfig> = {}, limits: Limits = {}) {
      const written = captureLog();
      const log = createLogger({ service: "worker", level: "debug", destination: written });
      const createWorkerLogin = () =>
        createLogin(databaseUrl, "worker", async (roles) => {
          if (redisUrl === undefined) await migrateQueue(databaseUrl, roles);
        });
      const config: WorkerConfig = {
        DATABASE_URL: overrides.DATABASE_URL ?? (await createWorkerLogin()),
        REDIS_URL: redisUrl,
        WORKER_CONCURRENCY: 8,
        MAX_ATTEMPTS: 3,
        ...overrides,
      };
      const shutdown = new AbortController();
      const ops = await serveOps({
        service: "worker",
        OPS_PORT: 0,
        OPS_HOST: "127.0.0.1",
        log,
        drainSignal: shutdown.signal,
      });
      if (!ops.ok) throw new Error(ops.error);
      const serviceContext = {
        log,
        ops: ops.value,
        shutdownSignal: shutdown.signal,
        fail: expect.unreachable,
      };
      const started = await startWorker(config, serviceContext, limits);
      if (!started.ok) throw new Error(started.error);
      context.onTestFinished(async () => {
        shutdown.abort();
        for (const step of Object.values(started.value.shutdown)) await step();
        await ops.value.close();
      });
      return observe(ops.value.port, written);
    },
  };
}

/** Returns what can be seen of a worker from outside. */
function observe(port: number, { text, logged }: LogLines) {
  const get = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
  return {
    /** All that it has logged. */
    text,
    get,
    /** Returns its log lines with this code. */
    logged,
    waitForLog: (code: string) => waitFor(() => logged(code)[0]),
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
  /** In the folder of fixtures. Default: `worker.ts`. */
  readonly fixture?: string;
  readonly execArgv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a worker as a process of its own, which ends with the test at the latest. */
export function spawnWorker(
  context: TestContext,
  { databaseUrl, redisUrl }: Servers,
  { fixture = "worker.ts", execArgv = [], env = {} }: ProcessOptions = {},
) {
  const { child, ended, log, logged } = startNode(context, join(import.meta.dirname, "fixtures", fixture), {
    execArgv,
    env: { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, OPS_PORT: "0", MAX_ATTEMPTS: "3", ...env },
  });
  return {
    pid: child.pid,
    waitForLog: logged,
    /** Waits until it takes jobs. Returns what can be seen of it. */
    async started() {
      const { opsPort } = await logged("worker-started");
      return observe(Number(opsPort), log);
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

/** Returns the body of a new event of a person. */
export function newEvent(entityId: string): Buffer {
  return eventBody(entityId, { id: randomUUID() });
}
