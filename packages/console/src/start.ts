import { openQueue } from "@dossier/queue";
import {
  checkDatabase,
  createEvictionCheck,
  createInstanceReporter,
  loginLog,
  observePool,
  describeError,
  outageLog,
  serve,
  type Result,
  type ServiceContext,
  type ShutdownSteps,
} from "@dossier/service";
import {
  appendAudit,
  appendAuditEntries,
  checkSchema,
  checkServiceLogin,
  closePool,
  hasTokens,
  keepLogin,
  openPool,
  readInstallationId,
  writeReport,
  type Pool,
} from "@dossier/store";
import { createApp } from "./app.ts";
import { createAccess } from "./auth.ts";
import { createBulkRunner } from "./bulk-runner.ts";
import { consoleSettings, type ConsoleConfig } from "./config.ts";
import { auditFailedSignIns } from "./failed-sign-in-audit.ts";
import { trackFailedSignIns } from "./failed-sign-ins.ts";
import { recordUnmaskedReads } from "./unmasked-reads.ts";
import { createQueueUpdate } from "./update-queue.ts";

const NAME = "dossier-console";

/** Where a console without a token is. */
const LOOPBACK = "127.0.0.1";

/** Connections to Postgres, shared by all requests, so that many readers do not take Postgres from the workers. */
const CONNECTIONS = 8;

export interface ConsoleOptions {
  /** The address that it listens on. Default: every one of the machine's; without a token, loopback. */
  readonly host?: string;
  /** How long a stream of changes may be silent before it sends a comment. Default 15. */
  readonly heartbeatSeconds?: number;
  /**
   * How long a request waits for the queue at most. More survives a short interruption of the queue; less answers
   * sooner while the queue is unavailable. Default 1,000.
   */
  readonly queueTimeoutMs?: number;
  /** How long the answer to a failed sign-in waits. Default 1,000. */
  readonly failedSignInDelayMs?: number;
  /** How many unmasked reads may wait for their entry in the audit log; a further one is answered 503. Default 5,000. */
  readonly maxWaitingReads?: number;
}

/** Starts the console. Returns its port and the steps that shut it down, or why it cannot listen. */
export async function startConsole(
  config: ConsoleConfig,
  context: ServiceContext,
  {
    host,
    heartbeatSeconds,
    queueTimeoutMs = 1_000,
    failedSignInDelayMs = 1_000,
    maxWaitingReads,
  }: ConsoleOptions = {},
): Promise<Result<{ port: number; shutdown: ShutdownSteps }>> {
  const { log, ops, tracing, shutdownSignal } = context;
  const {
    PORT,
    DATABASE_URL,
    currentDatabaseUrl = () => DATABASE_URL,
    REDIS_URL,
    CONSOLE_URL,
    DOSSIER_API_TOKEN: bootstrapToken,
  } = config;
  const login = keepLogin(currentDatabaseUrl, loginLog(log));
  const pool = openPool(login, { name: NAME, size: CONNECTIONS });
  observePool(ops.metrics, "console", pool);
  const checked = await checkDatabase("console", () => checkServiceLogin(pool, "console"), context);
  if (!checked.ok) {
    await closePool(pool);
    return checked;
  }
  const outages = {
    postgres: outageLog(log, {
      began: { code: "postgres-unavailable", message: "postgres unavailable; answering 503" },
      ended: { code: "postgres-recovered", message: "postgres available again" },
    }),
    queue: outageLog(log, {
      began: { code: "queue-unavailable", message: "queue unavailable; retrying" },
      ended: { code: "queue-recovered", message: "queue available again" },
    }),
  };
  const location = REDIS_URL
    ? { redisUrl: REDIS_URL, installationId: () => readInstallationId(pool) }
    : { databaseUrl: login };
  const queue = openQueue(location, {
    name: NAME,
    timeoutMs: queueTimeoutMs,
    onError: outages.queue.recordFailure,
  });

  const audit = auditFailedSignIns((entry) => appendAudit(pool, entry));
  const recordFailedSignIn = trackFailedSignIns({
    log,
    metrics: ops.metrics,
    audit,
    delayMs: failedSignInDelayMs,
    shutdownSignal,
  });
  const unmaskedReads = recordUnmaskedReads(
    (entries) => appendAuditEntries(pool, entries),
    log,
    maxWaitingReads,
  );
  const access = createAccess(pool, bootstrapToken);
  const updateQueue = createQueueUpdate(queue, log);
  const bulkRunner = createBulkRunner({ pool, updateQueue, log });
  const app = createApp({
    pool,
    queue,
    updateQueue,
    wakeBulkRunner: bulkRunner.wake,
    log,
    postgres: outages.postgres,
    access,
    recordFailedSignIn,
    recordUnmaskedRead: unmaskedReads.record,
    consoleUrl: CONSOLE_URL === undefined ? undefined : new URL(CONSOLE_URL),
    stuckAfterHours: config.STUCK_AFTER_HOURS,
    shutdownSignal,
    heartbeatSeconds,
    tracing,
  });
  app.route(
    "/",
    ops.addService("console", {
      needs: { postgres: () => checkSchema(pool) },
      uses: {
        queue: () => outages.queue.watch(() => queue.counts()),
        eviction: createEvictionCheck(log, () => queue.findEviction()),
      },
    }),
  );
  const settings = consoleSettings(config);
  const reporter = createInstanceReporter({
    service: "console",
    log,
    // It counts nothing, so it has no rate.
    write: (report) => writeReport(pool, { ...report, rate: null, settings }),
  });
  const shutdown: ShutdownSteps = {
    "finish the batch of a bulk action": () => bulkRunner.stop(),
    "close the queue": () => queue.close(),
    "record failed sign-ins": () => audit.stop(),
    "record unmasked reads": () => unmaskedReads.stop(),
    "report the shutdown": () => reporter.stop(),
    "close the pool": () => closePool(pool),
  };
  async function listen() {
    const needsToken =
      bootstrapToken !== undefined ? { ok: true as const, value: true } : await findTokens(pool);
    if (!needsToken.ok) return needsToken;
    const loopbackOnly = !needsToken.value;
    const server = await serve(app, {
      port: PORT,
      host: loopbackOnly ? LOOPBACK : host,
      limits: { keepAliveTimeout: config.KEEP_ALIVE_SECONDS * 1_000 },
    });
    if (server.ok) {
      log.info({ code: "listening", port: server.value.port, opsPort: ops.port, loopbackOnly }, "listening");
    }
    return server;
  }
  const server = await listen();
  if (!server.ok) {
    for (const step of Object.values(shutdown)) await step();
    return server;
  }
  reporter.start();
  bulkRunner.start();
  const { port, close } = server.value;
  return { ok: true, value: { port, shutdown: { "close the HTTP server": () => close(), ...shutdown } } };
}

/** Returns whether a token was ever created: if none was, the console must not listen beyond loopback. */
async function findTokens(pool: Pool): Promise<Result<boolean>> {
  try {
    return { ok: true, value: await hasTokens(pool) };
  } catch (error) {
    const { message } = describeError(error);
    return {
      ok: false,
      error: `Without DOSSIER_API_TOKEN, the console must find out at its start whether there are tokens, and Postgres failed: ${message}`,
    };
  }
}
