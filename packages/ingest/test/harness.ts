import { migrateQueue, openQueue, type DeliveryQueue } from "@dossier/queue";
import { createLogger, serveOps } from "@dossier/service";
import { sign } from "@dossier/simulator";
import { migrate, openPool, readInstallationId, type Pool } from "@dossier/store";
import { createLogin } from "@dossier/store/fixtures";
import { captureLog, freshDatabase, freshRedis, waitFor } from "@dossier/testing";
import { beforeAll, expect, type TestContext } from "vitest";
import { startIngest, type IngestConfig } from "../src/index.ts";
import { exchange, type Answer } from "./http.ts";

export const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
export const OTHER_SECRET = "whs_00000000000000000000000000000001";

/** A row of `deliveries`. */
export interface Row {
  readonly delivery_id: string;
  readonly body: Buffer;
  readonly headers: string;
  readonly verified_by: string;
  readonly secret_fingerprint: string;
}

/** The part of a test's context that the harness uses. */
type Scope = Pick<TestContext, "onTestFinished" | "skip">;

export type Ingest = Awaited<ReturnType<typeof ingest>>;

export async function prepare(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl);
  await migrateQueue(databaseUrl);
}

/** Returns the URL of a new migrated database. */
export async function createDatabase(context: Scope): Promise<string> {
  const { url, drop } = await freshDatabase({ name: "ingest", make: prepare });
  context.onTestFinished(drop);
  return url;
}

function openTestPool(context: Scope, databaseUrl: string): Pool {
  const pool = openPool(databaseUrl, { name: "test", size: 2 });
  context.onTestFinished(() => pool.end());
  return pool;
}

/** Opens the queue of the installation that has this database. */
export function openTestQueue(context: Scope, redisUrl: string, pool: Pool): DeliveryQueue {
  const installationId = () => readInstallationId(pool);
  const queue = openQueue(
    { redisUrl, installationId },
    { name: "test", timeoutMs: 10_000, onError: () => undefined },
  );
  context.onTestFinished(() => queue.close());
  return queue;
}

/** Returns a logger, and what it has written so far. */
export function testLogger(level: string) {
  const written = captureLog();
  return { log: createLogger({ service: "ingest", level, destination: written }), ...written };
}

/**
 * Starts ingest in this process, on a new database and an empty Redis unless the config names others. The queue's
 * timeout is long enough for a busy machine, unless a test is about it.
 */
export async function ingest(
  context: Scope,
  partialConfig: Partial<IngestConfig> = {},
  { queueTimeoutMs = 20_000 }: { readonly queueTimeoutMs?: number } = {},
) {
  const ownerUrl = partialConfig.DATABASE_URL ?? (await createDatabase(context));
  const createIngestLogin = () => createLogin(ownerUrl, "ingest", (roles) => migrateQueue(ownerUrl, roles));
  const config: IngestConfig = {
    PORT: 0,
    DATABASE_URL: partialConfig.DATABASE_URL ?? (await createIngestLogin()),
    REDIS_URL: "REDIS_URL" in partialConfig ? partialConfig.REDIS_URL : await freshRedis(context),
    ICOMPLY_WEBHOOK_SECRETS: [SECRET],
    MAX_BODY_BYTES: 1024 * 1024,
    KEEP_ALIVE_SECONDS: 65,
    ...partialConfig,
  };
  const { log, text, lines, logged } = testLogger("trace");
  const drainSignal = new AbortController().signal;
  const ops = await serveOps({ service: "ingest", OPS_PORT: 0, OPS_HOST: "127.0.0.1", log, drainSignal });
  if (!ops.ok) throw new Error(ops.error);
  context.onTestFinished(() => ops.value.close());
  const shutdown = new AbortController();
  context.onTestFinished(() => shutdown.abort());
  const started = await startIngest(
    config,
    { log, ops: ops.value, shutdownSignal: shutdown.signal, fail: expect.unreachable },
    { queueTimeoutMs },
  );
  if (!started.ok) throw new Error(started.error);
  const { port, shutdown: steps } = started.value;
  let closed: Promise<void> | undefined;
  async function shutDown(): Promise<void> {
    shutdown.abort();
    for (const step of Object.values(steps)) await step();
  }
  const close = () => (closed ??= shutDown());
  context.onTestFinished(close);
  const pool = openTestPool(context, ownerUrl);

  return {
    port,
    ownerUrl,
    config,
    text,
    lines,
    logged,
    send: (body: string | Uint8Array, headers: Record<string, string> = {}) =>
      exchange(port, { method: "POST", path: "/webhooks/icomply", body, headers }),
    /** Sends a body as iComply does, with its signature. */
    post: (body: string | Uint8Array, secret = SECRET) => post(port, body, secret),
    get: (path: string) => exchange(port, { method: "GET", path }),
    /** Asks the ops port. */
    getOps: (path: string) => exchange(ops.value.port, { method: "GET", path }),
    async rows(): Promise<Row[]> {
      const { rows } = await pool.query<Row>("select * from deliveries order by delivery_id");
      return rows;
    },
    pool,
    close,
  };
}

/** Starts one ingest, without Redis, for all tests of a suite. They must leave nothing in its database. */
export function sharedIngest(): () => Ingest {
  let shared: Ingest | undefined;
  beforeAll(async () => {
    const cleanups: (() => unknown)[] = [];
    const scope: Scope = {
      onTestFinished: (cleanup) => void cleanups.unshift(cleanup as () => unknown),
      skip: (note?: unknown) => {
        throw new Error(String(note));
      },
    };
    shared = await ingest(scope, { REDIS_URL: undefined });
    return async () => {
      for (const cleanup of cleanups) await cleanup();
    };
  });
  return () => {
    if (shared === undefined) throw new Error("no ingest outside of a test");
    return shared;
  };
}

export function post(port: number, body: string | Uint8Array, secret = SECRET): Promise<Answer> {
  return exchange(port, {
    method: "POST",
    path: "/webhooks/icomply",
    body,
    headers: { "content-type": "application/json", "abp-webhook-signature": sign(body, secret) },
  });
}

/** Blocks every commit of deliveries until `release`. */
export async function holdCommits(context: Scope, databaseUrl: string) {
  const pool = openTestPool(context, databaseUrl);
  const holder = await pool.connect();
  await holder.query("begin");
  await holder.query("lock table deliveries in access exclusive mode");
  return {
    /** Resolves once a commit is blocked. */
    async reached(): Promise<void> {
      await waitFor(
        () => pool.query("select from pg_locks where not granted and relation = 'deliveries'::regclass"),
        ({ rowCount }) => rowCount !== 0,
      );
    },
    async release(): Promise<void> {
      await holder.query("commit");
      holder.release();
    },
  };
}
