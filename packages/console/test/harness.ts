import { randomUUID } from "node:crypto";
import { foldFailed } from "@dossier/events";
import { migrateQueue } from "@dossier/queue";
import { createLogger } from "@dossier/service";
import { encode, payload } from "@dossier/simulator";
import {
  deadLetter,
  findIdentity,
  migrate,
  openPool,
  recordDeliveries,
  recordFailedAttempt,
  settle,
  type Pool,
} from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { beforeAll, type TestContext } from "vitest";
import { startConsole, type ConsoleConfig } from "../src/index.ts";
import type { ConsoleOptions } from "../src/start.ts";
import { createContractCheck, type OpenApiDocument } from "./contract.ts";
import { exchange, send, type Answer, type RequestOptions } from "./http.ts";

/** What a test, or a whole file, cleans up after itself with. */
export type Scope = Pick<TestContext, "onTestFinished">;

export type TestConsole = Awaited<ReturnType<typeof startTestConsole>>;

export async function migrateAll(databaseUrl: string): Promise<void> {
  await migrate(databaseUrl);
  await migrateQueue(databaseUrl);
}

/** Returns the URL of a new, migrated database. */
export async function createDatabase(scope: Scope): Promise<string> {
  const { url, drop } = await freshDatabase({ name: "console", make: migrateAll });
  scope.onTestFinished(drop);
  return url;
}

export interface TestConsoleOptions extends ConsoleOptions {
  readonly config?: Partial<ConsoleConfig>;
}

/** Starts a console in this process, on a new database by default. Every answer is checked against its document. */
export async function startTestConsole(
  scope: Scope,
  { config: overrides, ...options }: TestConsoleOptions = {},
) {
  const config: ConsoleConfig = {
    PORT: 0,
    LOG_LEVEL: "trace",
    DATABASE_URL: overrides?.DATABASE_URL ?? (await createDatabase(scope)),
    REDIS_URL: undefined,
    DOSSIER_API_TOKEN: undefined,
    ...overrides,
  };
  const output: string[] = [];
  const log = createLogger({
    service: "console",
    level: config.LOG_LEVEL,
    destination: { write: (line) => output.push(line) },
  });
  const shutdownSignal = new AbortController();
  const started = await startConsole(config, log, shutdownSignal.signal, {
    queueTimeoutMs: 20_000,
    ...options,
  });
  if (!started.ok) throw new Error(started.error);
  const { port, shutdown } = started.value;
  let closed: Promise<void> | undefined;
  async function shutDown(): Promise<void> {
    shutdownSignal.abort();
    for (const step of Object.values(shutdown)) await step();
  }
  const close = () => (closed ??= shutDown());
  scope.onTestFinished(close);
  const checkContract = createContractCheck((await exchange(port, "/openapi.json")).json as OpenApiDocument);

  async function request(path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await exchange(port, path, options);
    await checkContract(options.method ?? "GET", path, answer);
    return answer;
  }

  return {
    port,
    /** What was logged, as text. */
    output,
    logLines: () => output.map((line) => JSON.parse(line) as LogLine),
    close,
    request,
    get: (path: string, headers: Record<string, string> = {}) => request(`/api/v1${path}`, { headers }),
    post: (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
      request(`/api/v1${path}`, {
        method: "POST",
        body: typeof body === "string" ? body : JSON.stringify(body),
        headers: { "content-type": "application/json", ...headers },
      }),
    /** Sends a request without waiting for its answer. */
    send: (path: string, headers: Record<string, string> = {}) => send(port, `/api/v1${path}`, { headers }),
    ...openRecord(scope, config.DATABASE_URL),
  };
}

interface LogLine {
  readonly level: string;
  readonly code?: string;
  readonly [field: string]: unknown;
}

/** Writes to the record as ingest and the worker do. */
function openRecord(scope: Scope, databaseUrl: string) {
  const pool = openPool(databaseUrl, { name: "test", size: 4 });
  scope.onTestFinished(() => pool.end());

  /** Records bodies in one commit. Returns their delivery ids. */
  async function record(...bodies: readonly Buffer[]): Promise<string[]> {
    const deliveries = bodies.map((body) => ({
      deliveryId: randomUUID(),
      body,
      headers: { "user-agent": "iComply" },
      verifiedBy: "signature" as const,
      secretFingerprint: "sha256:0",
    }));
    await recordDeliveries(pool, deliveries);
    return deliveries.map(({ deliveryId }) => deliveryId);
  }

  return {
    pool,
    record,
    settle: (deliveryIds: readonly string[]) => settle(pool, deliveryIds, "test"),
    /** Records bodies and settles them, in one batch. Returns their delivery ids. */
    async recordAndSettle(...bodies: readonly Buffer[]): Promise<string[]> {
      const deliveryIds = await record(...bodies);
      await settle(pool, deliveryIds, "test");
      return deliveryIds;
    },
    /** Records a body, and dead-letters it after one failed attempt. Returns its delivery id. */
    async recordFoldFailed(body: Buffer, error = "TypeError: broken"): Promise<string> {
      const [deliveryId = ""] = await record(body);
      const attempt = { deliveryId, error, stack: "    at fold (evolve.ts:1:1)", codeVersion: "test" };
      await recordFailedAttempt(pool, attempt, [1]);
      await deadLetter(pool, deliveryId, foldFailed(1, error, await findIdentity(pool, deliveryId)), "test");
      return deliveryId;
    },
    /** When Postgres received a delivery. */
    async receivedAt(deliveryId = ""): Promise<bigint> {
      const { rows } = await pool.query<{ ticks: bigint }>(
        "select (extract(epoch from received_at) * 10000000)::bigint as ticks from deliveries where delivery_id = $1",
        [deliveryId],
      );
      return rows[0]?.ticks ?? 0n;
    },
  };
}

/** Starts one console for the tests of a file or block, which must not disturb each other. */
export function useConsole(
  fill: (console: TestConsole) => Promise<unknown> = () => Promise.resolve(),
  options?: TestConsoleOptions,
): () => TestConsole {
  let shared: TestConsole | undefined;
  beforeAll(async () => {
    const cleanups: (() => unknown)[] = [];
    const scope: Scope = { onTestFinished: (cleanup) => void cleanups.unshift(cleanup as () => unknown) };
    shared = await startTestConsole(scope, options);
    await fill(shared);
    return async () => {
      for (const cleanup of cleanups) await cleanup();
    };
  });
  return () => {
    if (shared === undefined) throw new Error("the console starts before the first test");
    return shared;
  };
}

/** Returns the body of a webhook with an event of a person. */
export function eventBody(
  entityId: string,
  {
    event = "NaturalPersonPending",
    id = "1",
    at = "2026-01-01T00:00:00.0000000Z",
    data = {},
  }: { readonly event?: string; readonly id?: string; readonly at?: string; readonly data?: object } = {},
): Buffer {
  return encode(payload({ event, id, entityId, creationTimeUtc: at, data }));
}

/** Returns every row of every table as a text, by the table's name. */
export async function dumpTables(pool: Pool): Promise<Record<string, string[]>> {
  const { rows: tables } = await pool.query<{ name: string }>(
    "select relname as name from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace order by 1",
  );
  const dumps = tables.map(async ({ name }) => {
    const { rows } = await pool.query<{ row: string }>(`select ${name}::text as row from ${name} order by 1`);
    return [name, rows.map(({ row }) => row)] as const;
  });
  return Object.fromEntries(await Promise.all(dumps));
}
