import { startConsole } from "@dossier/console";
import { createLogger, serveOps, type ShutdownSteps } from "@dossier/service";
import { openRecord, type TestRecord } from "@dossier/store/fixtures";
import { freshDatabase, runningTest } from "@dossier/testing";
import { expect, onTestFinished } from "vitest";
import { prepareSchema } from "../src/commands/migrate.ts";
import { startServices, type ServiceConfig } from "../src/up/services.ts";
import type { Environment } from "./command.ts";

/** Services, and the record that they share. */
export interface Running extends TestRecord {
  /** What the commands need to find these services. */
  readonly env: Environment;
  /** Of all services. */
  readonly opsPort: number;
  /** Shuts them down; else they end with the test. */
  stop(): Promise<void>;
}

const SECRET = "whs_0123456789abcdef0123456789abcdef";
const TOKEN = "a-token-for-tests";

/** Starts ingest, worker and console on a new database, with the queue in it, until the test ends. */
export function startAll(overrides: Partial<ServiceConfig> = {}): Promise<Running> {
  return start(async (config, signal) => {
    const started = await startServices({ ...config, ...overrides }, createSilentLogger, {
      shutdownSignal: signal,
      fail: expect.unreachable,
    });
    if (!started.ok) throw new Error(started.error);
    const { ports, shutdown } = started.value;
    const env = { INGEST_PORT: String(ports.ingest), CONSOLE_PORT: String(ports.console) };
    return { shutdown, env, opsPort: ports.ops };
  });
}

/** As `startAll`, but the console alone: nothing settles what is open. */
export function startConsoleAlone(): Promise<Running> {
  return start(async (config, signal) => {
    const log = createSilentLogger("console");
    const ops = await serveOps({ ...config, service: "console", log, drainSignal: signal });
    if (!ops.ok) throw new Error(ops.error);
    const context = { log, ops: ops.value, shutdownSignal: signal, fail: expect.unreachable };
    const started = await startConsole(
      { ...config, DATABASE_URL: config.serviceUrls.console, PORT: 0 },
      context,
      { queueTimeoutMs: 20_000 },
    );
    if (!started.ok) throw new Error(started.error);
    const { port } = started.value;
    const shutdown = { ...started.value.shutdown, "close the ops server": () => ops.value.close() };
    return { shutdown, env: { CONSOLE_URL: `http://127.0.0.1:${port}` }, opsPort: ops.value.port };
  });
}

async function start(
  startOn: (
    config: ServiceConfig,
    shutdownSignal: AbortSignal,
  ) => Promise<{ env: Environment; opsPort: number; shutdown: ShutdownSteps }>,
): Promise<Running> {
  const database = await freshDatabase({ name: "with_queue", make: prepareTemplate });
  onTestFinished(database.drop);
  const abort = new AbortController();
  const { env, opsPort, shutdown } = await startOn(
    {
      INGEST_PORT: 0,
      CONSOLE_PORT: 0,
      DOSSIER_DATA_DIR: "/nonexistent",
      serviceUrls: { ingest: database.url, worker: database.url, console: database.url },
      DATABASE_URL: undefined,
      MIGRATION_DATABASE_URL: undefined,
      INGEST_DATABASE_URL: undefined,
      WORKER_DATABASE_URL: undefined,
      CONSOLE_DATABASE_URL: undefined,
      REDIS_URL: undefined,
      ICOMPLY_WEBHOOK_SECRETS: [SECRET],
      DOSSIER_API_TOKEN: TOKEN,
      OPS_PORT: 0,
      OPS_HOST: "127.0.0.1",
      LOG_LEVEL: "silent",
      MAX_BODY_BYTES: 1024 * 1024,
      KEEP_ALIVE_SECONDS: 65,
      STUCK_AFTER_HOURS: {
        pending: 72,
        "id-upload-started": 72,
        "id-uploaded": 72,
        "documents-uploaded": 72,
      },
      WORKER_CONCURRENCY: 64,
      MAX_ATTEMPTS: 8,
      OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
    },
    abort.signal,
  );
  let stopped: Promise<void> | undefined;
  async function shutDown(): Promise<void> {
    abort.abort();
    for (const step of Object.values(shutdown)) await step();
  }
  const stop = () => (stopped ??= shutDown());
  onTestFinished(stop);
  return {
    ...(await openRecord(runningTest, { url: database.url, size: 2 })),
    opsPort,
    stop,
    env: { ...env, ICOMPLY_WEBHOOK_SECRETS: SECRET, DOSSIER_API_TOKEN: TOKEN },
  };
}

function createSilentLogger(service: string) {
  return createLogger({ service, level: "silent" });
}

function prepareTemplate(url: string) {
  return prepareSchema({ ownerUrl: url, logins: {}, withQueue: true });
}
