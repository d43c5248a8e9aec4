import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  consume,
  EvictionError,
  openQueue,
  type Consumer,
  type ConsumerOptions,
  type DeliveryQueue,
  type JobInput,
  type JobResult,
} from "@dossier/queue";
import {
  createInstanceReporter,
  describeError,
  outageLog,
  type Logger,
  type Result,
  type ServiceContext,
  type ShutdownSteps,
} from "@dossier/service";
import {
  closePool,
  hasUnheldDeliveries,
  isRetryable,
  openPool,
  readInstallationId,
  removeOldReports,
  writeReport,
  type InstanceReport,
  type Pool,
} from "@dossier/store";
import type { WorkerConfig } from "./config.ts";
import { createJobHandler } from "./job-handler.ts";
import { createWorkerMetrics, observeBacklog, observeWorker } from "./metrics.ts";
import { createOutagePause } from "./outage-pause.ts";
import { announceRebuild, checkRebuild } from "./rebuild-need.ts";
import { runSweeper } from "./sweeper.ts";

const NAME = "dossier-worker";

/** One for the batches, which follow one another; the others for failures, the sweeper and probes. */
const CONNECTIONS = 4;

/** How long jobs in flight may take to end after SIGTERM, in milliseconds. Other workers take over the rest. */
const DRAIN_MS = 8_000;

/** How long a scrape of the metrics, the sweeper and a failed delivery's job wait for the queue, in milliseconds. */
const QUEUE_TIMEOUT_MS = 5_000;

/** Milliseconds between two checks whether jobs are taken. A check asks the queue one question. */
const CHECK_INTERVAL_MS = 2_000;

/** Tests cannot wait for the defaults. */
export interface Limits extends Pick<ConsumerOptions, "lockDurationMs" | "stalledIntervalMs"> {
  /** How often a delivery may stall before it is dead-lettered. Default 3. */
  readonly maxStalls?: number;
  /** How long a worker may get no job while deliveries are due, in milliseconds. Default 30,000. */
  readonly maxIdleMs?: number;
}

/** Starts a worker. Returns the steps that shut it down, or why it cannot start. */
export async function startWorker(
  config: WorkerConfig,
  { log, ops, shutdownSignal }: ServiceContext,
  { maxStalls = 3, maxIdleMs = 30_000, ...stallOptions }: Limits = {},
): Promise<Result<{ shutdown: ShutdownSteps }>> {
  const { DATABASE_URL, REDIS_URL, WORKER_CONCURRENCY, MAX_ATTEMPTS: maxAttempts } = config;
  const postgresOutage = outageLog(log, {
    began: { code: "postgres-unavailable", message: "postgres unavailable; pausing" },
    ended: { code: "postgres-recovered", message: "postgres available again; resuming" },
  });
  const queueOutage = outageLog(log, {
    began: { code: "queue-unavailable", message: "queue unavailable; retrying" },
    ended: { code: "queue-recovered", message: "queue available again" },
  });
  const pool = openPool(DATABASE_URL, { name: NAME, size: CONNECTIONS });
  const reporter = createInstanceReporter({
    service: "worker",
    log,
    write: (report) => writeAndRemove(pool, report),
  });
  const workerMetrics = createWorkerMetrics(ops.metrics, reporter.counter);
  const outagePause = createOutagePause(shutdownSignal, postgresOutage);
  const location = REDIS_URL
    ? { redisUrl: REDIS_URL, installationId: () => outagePause.run(() => readInstallationId(pool)) }
    : { databaseUrl: DATABASE_URL };
  const queue = openQueue(location, {
    name: NAME,
    timeoutMs: QUEUE_TIMEOUT_MS,
    onError: queueOutage.recordFailure,
  });
  const handleJob = createJobHandler({
    pool,
    queue,
    outagePause,
    metrics: workerMetrics,
    log,
    maxAttempts,
    maxStalls,
  });
  let jobs = 0;
  async function handleCounted(job: JobInput): Promise<JobResult> {
    jobs += 1;
    return handleJob(job).finally(() => (jobs -= 1));
  }
  const consumer = consume(location, handleCounted, {
    ...stallOptions,
    name: NAME,
    concurrency: WORKER_CONCURRENCY,
    isRetryable,
    onError: queueOutage.recordFailure,
  });
  observeBacklog(ops.metrics, pool, queue);
  observeWorker(ops.metrics, consumer, outagePause);

  ops.addService("worker", {
    needs: {
      async postgres() {
        // A server that answers but takes no writes fails the batches, and not this query.
        if (outagePause.outage !== undefined) throw outagePause.outage.error;
        await pool.query("select 1 from open_deliveries limit 1");
      },
      queue: () => consumer.checkReady(),
      async jobs() {
        if (consumer.idleForMs > maxIdleMs && (await hasUnheldDeliveries(pool)))
          throw new Error("deliveries have been due for more than 30 s, and the queue hands out no job");
      },
    },
    uses: { eviction: () => queue.checkEviction(), rebuild: () => checkRebuild(pool) },
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
  void announceRebuild(pool, outagePause, log);
  reporter.start(async () => {
    const error =
      outagePause.outage?.error ?? (await consumer.checkReady().catch((reason: unknown) => reason));
    return { jobs, pausedBecause: error === undefined ? null : describeError(error).message };
  });
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
        "finish the jobs in flight": () => consumer.close(DRAIN_MS),
        "stop the sweeper and the consumer's watch": () => Promise.all([sweeping, watching]),
        "close the queue": () => queue.close(),
        "report the shutdown": () => reporter.stop(),
        "close the pool": () => closePool(pool),
      },
    },
  };
}

/** Writes a report. Workers also remove the old ones of all services. */
async function writeAndRemove(pool: Pool, report: InstanceReport): Promise<number> {
  const now = await writeReport(pool, report);
  await removeOldReports(pool);
  return now;
}

/**
 * Logs when the consumer stops taking jobs, when it takes them again, and if the queue may lose jobs. Removes the limits
 * that somebody left in the queue. Resolves at shutdown.
 */
async function watchConsumer(
  consumer: Consumer,
  queue: DeliveryQueue,
  log: Logger,
  shutdownSignal: AbortSignal,
): Promise<void> {
  const outage = outageLog(log, {
    began: { code: "consuming-stopped", message: "worker takes no jobs; waiting for the queue" },
    ended: { code: "consuming-resumed", message: "worker takes jobs again" },
  });
  const eviction = outageLog(log, {
    began: { code: "queue-may-evict", message: "redis may remove jobs when its memory is full" },
    ended: { code: "queue-keeps-jobs", message: "redis keeps jobs when its memory is full" },
  });
  const shutdown = once(shutdownSignal, "abort");

  async function check(): Promise<void> {
    const error = await consumer.checkReady().catch((reason: unknown) => reason);
    // A worker that shuts down takes no jobs either, which is no outage.
    if (shutdownSignal.aborted) return;
    if (error === undefined) outage.recordSuccess();
    else outage.recordFailure(error);
    // If the queue is unavailable, `checkReady` says so.
    const limits = await queue.removeLimits().catch(() => []);
    if (limits.length > 0)
      log.warn({ code: "queue-limits-removed", limits }, "the queue was limited; limits removed");
    await queue.checkEviction().then(eviction.recordSuccess, (reason: unknown) => {
      if (reason instanceof EvictionError) eviction.recordFailure(reason);
    });
  }

  for (;;) {
    await sleep(CHECK_INTERVAL_MS, undefined, { signal: shutdownSignal }).catch(() => undefined);
    if (shutdownSignal.aborted) return;
    // A check at a server that does not answer lasts longer than a shutdown may.
    await Promise.race([check(), shutdown]);
  }
}
