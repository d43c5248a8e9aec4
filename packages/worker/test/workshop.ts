import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openQueue, type DeliveryQueue } from "@dossier/queue";
import { createLogger } from "@dossier/service";
import { encode, payload } from "@dossier/simulator";
import { migrate, openPool, recordDeliveries, type Pool } from "@dossier/store";
import { freshDatabase, freshRedis } from "@dossier/testing";
import { expect, vi, type TestContext } from "vitest";
import type { WorkerConfig } from "../src/config.ts";
import { startWorker } from "../src/start.ts";

// Many processes are started here, on machines of any speed: these times only end what hangs.
const HANGS_MS = 600_000;
vi.setConfig({ testTimeout: HANGS_MS, hookTimeout: HANGS_MS });

/** Looks again and again, until what it sees is as expected. */
export function eventually<T>(look: () => T) {
  return expect.poll(look, { timeout: HANGS_MS / 2 });
}

/** Servers that are another test's, too, and never go away. */
export interface Servers {
  readonly databaseUrl: string;
  readonly redisUrl: string | undefined;
}

export async function sharedServers(context: TestContext): Promise<Servers & { readonly redisUrl: string }> {
  const redisUrl = await freshRedis(context);
  const database = await freshDatabase({ name: "worker", make: migrate });
  context.onTestFinished(() => database.drop());
  return { databaseUrl: database.url, redisUrl };
}

export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** An inbox with a queue, and workers to be hired for it, all of which end with the test. */
export function openWorkshop(context: TestContext, { databaseUrl, redisUrl }: Servers) {
  const pool = openPool(databaseUrl, { name: "test", size: 4 });
  context.onTestFinished(() => pool.end());
  const location = redisUrl === undefined ? { databaseUrl } : { redisUrl };
  const queue = openQueue(location, { name: "test", timeoutMs: 10_000, onError: () => undefined });
  context.onTestFinished(() => queue.close());

  /** Records bodies as ingest does, without a job. */
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
    /** Records bodies as ingest does, with one job for all of them. */
    async deliver(...bodies: readonly Buffer[]): Promise<string[]> {
      const deliveryIds = await record(...bodies);
      await queue.enqueue(deliveryIds);
      return deliveryIds;
    },
    /** Starts a worker in this process. */
    async hire(given: Partial<WorkerConfig> = {}) {
      const lines: Line[] = [];
      const log = createLogger({
        service: "worker",
        level: "info",
        destination: { write: (line) => void lines.push(JSON.parse(line)) },
      });
      const shutdownSignal = new AbortController();
      const config: WorkerConfig = {
        PORT: 0,
        LOG_LEVEL: "info",
        DATABASE_URL: databaseUrl,
        REDIS_URL: redisUrl,
        WORKER_CONCURRENCY: 8,
        MAX_ATTEMPTS: 3,
        ...given,
      };
      const started = await startWorker(config, log, shutdownSignal.signal);
      if (!started.ok) throw new Error(started.error);
      const { port, shutdown } = started.value;
      let stopped: Promise<void> | undefined;
      const stop = async () => {
        shutdownSignal.abort();
        for (const step of Object.values(shutdown)) await step();
      };
      const worker = {
        port,
        lines,
        said: (msg: string) => lines.filter((line) => line.msg.includes(msg)),
        stop: () => (stopped ??= stop()),
      };
      context.onTestFinished(() => worker.stop());
      return worker;
    },
  };
}

/** Starts a worker as a process of its own, to be killed; it ends with the test at the latest. */
export function spawnWorker(
  context: TestContext,
  { databaseUrl, redisUrl }: Servers,
  { execArgv = [], env = {} }: { execArgv?: readonly string[]; env?: Readonly<Record<string, string>> } = {},
) {
  const child = spawn(process.execPath, [...execArgv, join(import.meta.dirname, "fixtures", "worker.ts")], {
    env: { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, PORT: "0", MAX_ATTEMPTS: "3", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: Line[] = [];
  const reader = createInterface(child.stdout).on("line", (line) => lines.push(JSON.parse(line)));
  const ended = once(child, "close").then(([code, signal]: unknown[]) => ({ code, signal }));
  context.onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    lines,
    said: (msg: string) => lines.filter((line) => line.msg.includes(msg)),
    async logged(msg: string): Promise<Line> {
      for (;;) {
        const line = lines.find((candidate) => candidate.msg.includes(msg));
        if (line !== undefined) return line;
        await once(reader, "line");
      }
    },
    /** Sends a signal and waits for the process's end. */
    async end(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
    signal: (signal: NodeJS.Signals) => void child.kill(signal),
    ended,
  };
}

/** As whoever thinks that Redis is a cache. */
export async function flushAll(redisUrl: string): Promise<void> {
  const { hostname, port } = new URL(redisUrl);
  const socket = connect(Number(port), hostname);
  socket.end("FLUSHALL\r\n");
  const [answer] = await once(socket, "data");
  if (!String(answer).startsWith("+OK")) throw new Error(`FLUSHALL: ${String(answer)}`);
}

/** How deliveries stand, in order: their outcome, `open`, or for dead ones the reason. */
export async function standing(pool: Pool, deliveryIds: readonly string[]): Promise<string[]> {
  const { rows } = await pool.query<{ delivery_id: string; standing: string }>(
    `select delivery_id, coalesce(
       case outcome when 'dead-lettered' then (
         select reason from dead_letters where dead_letters.delivery_id = deliveries.delivery_id
         order by dead_letter_id desc limit 1) else outcome end,
       'open') as standing
     from deliveries left join settlements using (delivery_id)
     where delivery_id = any ($1)`,
    [deliveryIds],
  );
  const of = new Map(rows.map((row) => [row.delivery_id, row.standing]));
  return deliveryIds.map((deliveryId) => of.get(deliveryId) ?? "lost");
}

/** Waits until deliveries stand so. */
export async function settled(
  pool: Pool,
  deliveryIds: readonly string[],
  expected: readonly string[] | string,
): Promise<void> {
  const all = typeof expected === "string" ? deliveryIds.map(() => expected) : expected;
  await eventually(() => standing(pool, deliveryIds)).toEqual(all);
}

/** What BullMQ says of the job that a delivery has for itself. */
export async function ownJob(
  queue: DeliveryQueue,
  deliveryId: string,
): Promise<{ state: string; reason: string | undefined; attempts: number } | undefined> {
  const job = await queue.bullmq.getJob(`delivery-${deliveryId}`);
  if (job === undefined) return undefined;
  return { state: await job.getState(), reason: job.failedReason, attempts: job.attemptsMade };
}

/** An event of a person; `id` is made up unless it is given. */
export function event(entityId: string, id: string = randomUUID(), data: { entity?: string } = {}): Buffer {
  return encode(payload({ event: "NaturalPersonPending", entityId, id, data }));
}

/**
 * Until it is mended, the events of the person `poison` are refused with this SQLSTATE; without one, as Postgres sees
 * a fault of the code.
 */
export async function poisonPerson(pool: Pool, sqlstate = "22023"): Promise<{ mend(): Promise<unknown> }> {
  await pool.query(`
    create function poison() returns trigger language plpgsql as $$
    begin
      if new.entity_id = 'poison' then
        raise exception 'this fold "%" is broken', new.data using errcode = '${sqlstate}';
      end if;
      return new;
    end $$`);
  await pool.query("create trigger poison before insert on events for each row execute function poison()");
  return { mend: () => pool.query("drop trigger poison on events") };
}

/** The sweeper's time comes for everything that is open. */
export async function due(pool: Pool): Promise<void> {
  await pool.query("update open_deliveries set due_at = now()");
}

/** The sweeper's time comes for nothing that is open now, however slow the machine is. */
export async function notDue(pool: Pool): Promise<void> {
  await pool.query("update open_deliveries set due_at = now() + interval '1 day'");
}

/** Lets workers come no further than the insert of the events of persons whose ids begin with `slow`. */
export async function holdUp(pool: Pool) {
  await pool.query(`
    create function hold_up() returns trigger language plpgsql as $$
    begin
      if new.entity_id like 'slow%' then perform pg_advisory_xact_lock_shared(1); end if;
      return new;
    end $$`);
  await pool.query("create trigger hold_up before insert on events for each row execute function hold_up()");
  const connection = await pool.connect();
  await connection.query("select pg_advisory_lock(1)");
  return {
    /** Resolves once a worker stands in the middle of its work. */
    async reached() {
      await eventually(async () => {
        const { rowCount } = await pool.query(
          "select from pg_locks where locktype = 'advisory' and not granted",
        );
        return rowCount;
      }).toBeGreaterThan(0);
    },
    async release() {
      await connection.query("select pg_advisory_unlock(1)");
      connection.release();
    },
  };
}
