import { migrateQueue } from "@dossier/queue";
import { createLogger, serveOps } from "@dossier/service";
import { migrate, type Pool } from "@dossier/store";
import { createLogin, openRecord } from "@dossier/store/fixtures";
import { captureLog, freshDatabase, openScope, waitFor, type Scope } from "@dossier/testing";
import { beforeAll, expect } from "vitest";
import { startConsole, type ConsoleConfig } from "../src/index.ts";
import type { ConsoleOptions } from "../src/start.ts";
import { createContractCheck, type OpenApiDocument } from "./contract.ts";
import { exchange, send, type Answer, type RequestOptions } from "./http.ts";

export type TestConsole = Awaited<ReturnType<typeof startTestConsole>>;

/** The console's token, unless a test configures another. */
export const TOKEN = "a token of 31 bytes, or so it is";
const AUTHORIZATION = { authorization: `Bearer ${TOKEN}` };

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
  const ownerUrl = overrides?.DATABASE_URL ?? (await createDatabase(scope));
  const createConsoleLogin = () => createLogin(ownerUrl, "console", (roles) => migrateQueue(ownerUrl, roles));
  const config: ConsoleConfig = {
    PORT: 0,
    KEEP_ALIVE_SECONDS: 65,
    STUCK_AFTER_HOURS: { pending: 72, "id-upload-started": 72, "id-uploaded": 72, "documents-uploaded": 72 },
    DATABASE_URL: overrides?.DATABASE_URL ?? (await createConsoleLogin()),
    REDIS_URL: undefined,
    DOSSIER_API_TOKEN: TOKEN,
    ...overrides,
  };
  const record = await openRecord(scope, { url: ownerUrl, size: 4 });
  const output = captureLog();
  const log = createLogger({ service: "console", level: "trace", destination: output });
  const shutdownSignal = new AbortController();
  scope.onTestFinished(() => shutdownSignal.abort());
  const ops = await serveOps({
    service: "console",
    OPS_PORT: 0,
    OPS_HOST: "127.0.0.1",
    log,
    drainSignal: shutdownSignal.signal,
  });
  if (!ops.ok) throw new Error(ops.error);
  const context = { log, ops: ops.value, shutdownSignal: shutdownSignal.signal, fail: expect.unreachable };
  const started = await startConsole(config, context, {
    queueTimeoutMs: 20_000,
    failedSignInDelayMs: 0,
    ...options,
  });
  if (!started.ok) throw new Error(started.error);
  const { port, shutdown } = started.value;
  let closed: Promise<void> | undefined;
  async function shutDown(): Promise<void> {
    shutdownSignal.abort();
    for (const step of Object.values(shutdown)) await step();
    await context.ops.close();
  }
  const close = () => (closed ??= shutDown());
  scope.onTestFinished(close);
  const checkContract = createContractCheck((await exchange(port, "/openapi.json")).json as OpenApiDocument);

  async function request(path: string, options: RequestOptions = {}): Promise<Answer> {
    const answer = await exchange(port, path, options);
    await checkContract(options.method ?? "GET", path, answer);
    return answer;
  }

  const get = (path: string, headers: Record<string, string> = {}) =>
    request(`/api/v1${path}`, { headers: { ...AUTHORIZATION, ...headers } });
  const post = (path: string, body: unknown = {}, headers: Record<string, string> = {}) =>
    request(`/api/v1${path}`, {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
      headers: { ...AUTHORIZATION, "content-type": "application/json", ...headers },
    });

  /** Waits until a bulk action has ended. Returns it. */
  async function bulkActionEnd(id: number) {
    const path = `/bulk-actions/${id}`;
    const { json } = await waitFor(
      () => get(path),
      ({ json: { state } }) => state === "completed" || state === "aborted",
    );
    return json;
  }

  return {
    port,
    /** Sends a GET to the ops port. */
    getOps: (path: string) => exchange(context.ops.port, path),
    /** What was logged, as text. */
    output: output.text,
    logLines: output.lines,
    close,
    /** Sends a request without a token. */
    request,
    get,
    post,
    bulkActionEnd,
    /** Decides about what a filter selects. Returns the bulk action when it has ended. */
    async decideInBackground(path: string, body: object) {
      const { status, headers, json } = await post(path, body);
      expect([status, headers.location]).toEqual([202, `/api/v1/bulk-actions/${json.bulkActionId}`]);
      return bulkActionEnd(json.bulkActionId);
    },
    /** Sends a request without waiting for its answer. */
    send: (path: string, headers: Record<string, string> = {}) =>
      send(port, `/api/v1${path}`, { headers: { ...AUTHORIZATION, ...headers } }),
    ...record,
    receivedAt: (deliveryId = "") => receivedAt(record.pool, deliveryId),
  };
}

/** Returns when Postgres received a delivery. */
async function receivedAt(pool: Pool, deliveryId: string): Promise<bigint> {
  const { rows } = await pool.query<{ ticks: bigint }>(
    "select (extract(epoch from received_at) * 10000000)::bigint as ticks from deliveries where delivery_id = $1",
    [deliveryId],
  );
  return rows[0]?.ticks ?? 0n;
}

/** Starts one console for the tests of a file or block, which must not disturb each other. */
export function useConsole(
  fill: (console: TestConsole) => Promise<unknown> = () => Promise.resolve(),
  options?: TestConsoleOptions,
): () => TestConsole {
  let shared: TestConsole | undefined;
  beforeAll(async () => {
    const scope = openScope();
    shared = await startTestConsole(scope, options);
    await fill(shared);
    return () => scope.close();
  });
  return () => {
    if (shared === undefined) throw new Error("the console starts before the first test");
    return shared;
  };
}
