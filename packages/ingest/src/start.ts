import { openQueue } from "@dossier/queue";
import {
  checkDatabase,
  createEvictionCheck,
  createInstanceReporter,
  loginLog,
  minuteLog,
  observePool,
  serve,
  type Result,
  type ServiceContext,
  type ShutdownSteps,
} from "@dossier/service";
import {
  checkSchema,
  checkServiceLogin,
  closePool,
  keepLogin,
  openPool,
  readInstallationId,
  writeReport,
} from "@dossier/store";
import { createApp } from "./app.ts";
import { createBodyBudget } from "./body-budget.ts";
import { ingestSettings, type IngestConfig } from "./config.ts";
import { createSecretMask } from "./mask.ts";
import { createReceiver, createOutageLogs } from "./receive.ts";
import { fingerprint } from "./verify.ts";

const NAME = "dossier-ingest";

/** After this time a statement without an answer fails and its connection is closed. The server ends it after 10 s. */
const STATEMENT_TIMEOUT_MS = 12_000;

/** Enough for a commit and the rest of the one before it. iComply waits 60 s for an answer. */
const COMMIT_TIMEOUT_MS = 15_000;

const MIB = 1024 * 1024;

/** Memory for webhooks that wait for their commit. */
const MAX_BUFFERED_BYTES = 128 * MIB;

/** Memory for bodies that are being read, from anybody; the greatest MAX_BODY_BYTES fits in beside what is reserved. */
const BODY_BUDGET = { totalBytes: 128 * MIB, reservedBytes: 32 * MIB, smallBytes: 64 * 1024 };

/** One for the commits, which follow one another, and one for the probes and the reports. */
const CONNECTIONS = 2;

/**
 * Starts ingest. Returns the port it listens on and the steps that shut it down, or why it cannot listen.
 *
 * @param host the address that it listens on. Default: every one of the machine's
 * @param queueTimeoutMs how long a sender waits for the queue. More tolerates a slower queue; less answers sooner while
 *   the queue is unavailable. Default 1,000
 */
export async function startIngest(
  config: IngestConfig,
  context: ServiceContext,
  { host, queueTimeoutMs = 1_000 }: { readonly host?: string; readonly queueTimeoutMs?: number } = {},
): Promise<Result<{ port: number; shutdown: ShutdownSteps }>> {
  const { log, ops, tracing } = context;
  const {
    PORT,
    DATABASE_URL,
    currentDatabaseUrl = () => DATABASE_URL,
    REDIS_URL,
    ICOMPLY_WEBHOOK_SECRETS,
    MAX_BODY_BYTES,
  } = config;
  const notEnqueued = ops.metrics.meter.createCounter("dossier_deliveries_not_enqueued_total", {
    description: "Recorded deliveries that the queue did not accept; the sweeper enqueues them.",
  });
  const login = keepLogin(currentDatabaseUrl, loginLog(log));
  const pool = openPool(login, {
    name: NAME,
    size: CONNECTIONS,
    timeoutMs: STATEMENT_TIMEOUT_MS,
  });
  observePool(ops.metrics, "ingest", pool);
  const checked = await checkDatabase("ingest", () => checkServiceLogin(pool, "ingest"), context);
  if (!checked.ok) {
    await closePool(pool);
    return checked;
  }
  const settings = ingestSettings(config);
  const secretFingerprints = ICOMPLY_WEBHOOK_SECRETS.map((secret) => fingerprint(secret));
  const reporter = createInstanceReporter({
    service: "ingest",
    log,
    write: (report) => writeReport(pool, { ...report, settings, secretFingerprints }),
  });
  const outages = createOutageLogs(log);
  const location = REDIS_URL
    ? { redisUrl: REDIS_URL, installationId: () => readInstallationId(pool) }
    : { databaseUrl: login };
  const queue = openQueue(location, {
    name: NAME,
    timeoutMs: queueTimeoutMs,
    onError: outages.queue.recordFailure,
  });
  const maskSecrets = createSecretMask(ICOMPLY_WEBHOOK_SECRETS);
  const receiver = createReceiver({
    pool,
    queue,
    secrets: ICOMPLY_WEBHOOK_SECRETS,
    maskSecrets,
    maxBodyBytes: MAX_BODY_BYTES,
    budget: createBodyBudget(BODY_BUDGET),
    commitTimeoutMs: COMMIT_TIMEOUT_MS,
    maxBufferedBytes: MAX_BUFFERED_BYTES,
    outages,
    tracing,
    onNotEnqueued: (deliveries) => notEnqueued.add(deliveries),
  });

  const summary = minuteLog(log, { code: "webhooks-answered", message: "webhooks, by answer" });
  const app = createApp({
    receiver,
    maxBodyBytes: MAX_BODY_BYTES,
    maskSecrets,
    metrics: ops.metrics,
    counter: reporter.counter,
    log,
    summary,
    tracing,
  });
  app.route(
    "/",
    ops.addService("ingest", {
      needs: { postgres: () => checkSchema(pool) },
      uses: {
        queue: () => outages.queue.watch(() => queue.counts()),
        eviction: createEvictionCheck(log, () => queue.findEviction()),
      },
    }),
  );
  const server = await serve(app, {
    port: PORT,
    host,
    limits: { keepAliveTimeout: config.KEEP_ALIVE_SECONDS * 1_000 },
  });
  if (!server.ok) {
    await Promise.all([queue.close(), pool.end()]);
    return server;
  }
  const { port, close } = server.value;
  reporter.start();
  log.info({ code: "listening", port, opsPort: ops.port, queue: queue.backend }, "listening");
  return {
    ok: true,
    value: {
      port,
      shutdown: {
        "close the HTTP server": () => close().finally(summary.flush),
        "finish the commits": () => receiver.idle(),
        "close the queue": () => queue.close(),
        "report the shutdown": () => reporter.stop(),
        "close the pool": () => pool.end(),
      },
    },
  };
}
