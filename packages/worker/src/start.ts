import { consume, openQueue, type ConsumerOptions } from "@dossier/queue";
import {
  checkDatabase,
  createEvictionCheck,
  createInstanceReporter,
  loginLog,
  minuteLog,
  observePool,
  outageLog,
  summedLog,
  type Result,
  type ServiceContext,
  type ShutdownSteps,
} from "@dossier/service";
import {
  checkSchema,
  checkServiceLogin,
  closePool,
  hasUnheldDeliveries,
  isRetryable,
  keepLogin,
  openPool,
  readInstallationId,
  writeReport,
} from "@dossier/store";
import { workerSettings, type WorkerConfig } from "./config.ts";
import { createJobHandler } from "./job-handler.ts";
import { createWorkerMetrics, observeBacklog, observeWorker } from "./metrics.ts";
import { createOutagePause } from "./outage-pause.ts";
import { createRebuildCheck } from "./rebuild-need.ts";
import { readState, runRemoval } from "./report.ts";
import { runSweeper } from "./sweeper.ts";
import { watchConsumer } from "./watch-consumer.ts";

const NAME = "dossier-worker";

/** Two for batches; the others for failures, the sweeper and probes. */
const CONNECTIONS = 4;

/** How long jobs in flight may take to end after SIGTERM, in milliseconds. Other workers take over the rest. */
const DRAIN_MS = 8_000;

/** How long a scrape of the metrics, the sweeper and a failed delivery's job wait for the queue, in milliseconds. */
const QUEUE_TIMEOUT_MS = 5_000;

/** Tests cannot wait for the defaults. */
export interface Limits extends Pick<
  ConsumerOptions,
  "lockDurationMs" | "stalledIntervalMs" | "askIntervalMs" | "silence"
> {
  /** How often a delivery may stall before it is dead-lettered. Default 3. */
  readonly maxStalls?: number;
  /** How long a worker may get no job while deliveries are due, in milliseconds. Default 30,000. */
  readonly maxIdleMs?: number;
}

/** Starts a worker. Returns the steps that shut it down, or why it cannot start. */
export async function startWorker(
  config: WorkerConfig,
  context: ServiceContext,
  { maxStalls = 3, maxIdleMs = 30_000, ...consumerOptions }: Limits = {},
): Promise<Result<{ shutdown: ShutdownSteps }>> {
  const { log, ops, tracing, shutdownSignal } = context;
  const {
    DATABASE_URL,
    currentDatabaseUrl = () => DATABASE_URL,
    REDIS_URL,
    WORKER_CONCURRENCY,
    MAX_ATTEMPTS: maxAttempts,
  } = config;
  const postgresOutage = outageLog(log, {
    began: { code: "postgres-unavailable", message: "postgres unavailable; pausing" },
    ended: { code: "postgres-recovered", message: "postgres available again; resuming" },
  });
  const queueOutage = outageLog(log, {
    began: { code: "queue-unavailable", message: "queue unavailable; retrying" },
    ended: { code: "queue-recovered", message: "queue available again" },
  });
  const handlerErrors = summedLog(log, {
    level: "error",
    code: "job-failed",
    message: "job failed unexpectedly; retrying",
  });
  const login = keepLogin(currentDatabaseUrl, loginLog(log));
  const pool = openPool(login, { name: NAME, size: CONNECTIONS });
  observePool(ops.metrics, "worker", pool);
  const checked = await checkDatabase("worker", () => checkServiceLogin(pool, "worker"), context);
  if (!checked.ok) {
    await closePool(pool);
    return checked;
  }
  const settings = workerSettings(config);
  const reporter = createInstanceReporter({
    service: "worker",
    log,
    write: (report) => writeReport(pool, { ...report, settings }),
  });
  const workerMetrics = createWorkerMetrics(ops.metrics, reporter.counter);
  const outagePause = createOutagePause(shutdownSignal, postgresOutage);
  const location = REDIS_URL
    ? { redisUrl: REDIS_URL, installationId: () => outagePause.run(() => readInstallationId(pool)) }
    : { databaseUrl: login };
  const queue = openQueue(location, {
    name: NAME,
    timeoutMs: QUEUE_TIMEOUT_MS,
    onError: queueOutage.recordFailure,
  });
  const summary = minuteLog(log, { code: "deliveries-settled", message: "attempts to settle, by outcome" });
  const handleJob = createJobHandler({
    pool,
    queue,
    outagePause,
    metrics: workerMetrics,
    log,
    summary,
    tracing,
    maxAttempts,
    maxStalls,
  });
  const consumer = consume(location, handleJob, {
    ...consumerOptions,
    name: NAME,
    concurrency: WORKER_CONCURRENCY,
    isRetryable,
    onError: queueOutage.recordFailure,
    onHandlerError: (err) => handlerErrors.record("unexpected", () => ({ unexpected: err })),
    onReplaced() {
      workerMetrics.reconnected();
      log.warn({ code: "queue-silent" }, "no answer of the queue; connecting anew");
    },
    onGivenUp: () => context.restart?.("a new connection to the queue got no answer either", "queue-lost"),
  });
  observeBacklog(ops.metrics, pool, queue);
  observeWorker(ops.metrics, consumer, outagePause);

  ops.addService("worker", {
    needs: {
      async postgres() {
        // A server that answers but takes no writes fails the batches, and not this query.
        if (outagePause.outage !== undefined) throw outagePause.outage.error;
        await checkSchema(pool);
      },
      queue: () => consumer.checkReady(),
      async jobs() {
        if (consumer.idleForMs > maxIdleMs && (await hasUnheldDeliveries(pool)))
          throw new Error("deliveries have been due for more than 30 s, and the queue hands out no job");
      },
    },
    uses: {
      eviction: createEvictionCheck(log, () => queue.findEviction()),
      rebuild: createRebuildCheck(pool, outagePause, log),
    },
  });
  const sweeping = runSweeper({
    pool,
    queue,
    queueOutage,
    metrics: workerMetrics,
    log,
    shutdownSignal,
  });
  const watching = watchConsumer(consumer, queue, log, shutdownSignal);
  const removing = runRemoval(pool, log, shutdownSignal);
  reporter.start(() => readState(consumer, outagePause));
  log.info(
    {
      code: "worker-started",
      opsPort: ops.port,
      queue: queue.backend,
      concurrency: WORKER_CONCURRENCY,
    },
    "worker takes jobs",
  );
  return {
    ok: true,
    value: {
      shutdown: {
        "finish the jobs in flight": () => consumer.close(DRAIN_MS).finally(summary.flush),
        "stop what is repeated": () => Promise.all([sweeping, watching, removing]),
        "close the queue": () => queue.close(),
        "report the shutdown": () => reporter.stop(),
        "close the pool": () => closePool(pool),
      },
    },
  };
}
