import { consume, openQueue, type ConsumerOptions } from "@dossier/queue";
import {
  createMetrics,
  notFound,
  onError,
  outageLog,
  probes,
  serve,
  type Logger,
  type Result,
  type ShutdownSteps,
} from "@dossier/service";
import { closePool, openPool } from "@dossier/store";
import { Hono } from "hono";
import { observeBacklog } from "./backlog-metrics.ts";
import type { WorkerConfig } from "./config.ts";
import { watchConsuming } from "./consuming.ts";
import { createJobHandler } from "./job-handler.ts";
import { workerMetrics } from "./metrics.ts";
import { createOutagePause } from "./outage-pause.ts";
import { sweep } from "./sweeper.ts";

const NAME = "dossier-worker";

/** One for the batches, which follow one another, and the others for failures, the sweeper and probes. */
const CONNECTIONS = 4;

/** How long jobs in flight may take to end after SIGTERM, in milliseconds; the rest goes to other workers. */
const DRAIN_MS = 8_000;

/** While the queue is away, so long waits whoever scrapes the metrics, the sweeper, and a job with a failure in it. */
const QUEUE_TIMEOUT_MS = 5_000;

/** The queue's times, for those who cannot wait for its defaults. */
export type WorkerTimes = Pick<ConsumerOptions, "lockDurationMs" | "stalledIntervalMs">;

/** Starts a worker; gives the port of its probes and the steps that shut it down, or why it cannot listen. */
export async function startWorker(
  config: WorkerConfig,
  log: Logger,
  shutdownSignal: AbortSignal,
  times: WorkerTimes = {},
): Promise<Result<{ port: number; shutdown: ShutdownSteps }>> {
  const { PORT, DATABASE_URL, REDIS_URL, WORKER_CONCURRENCY, MAX_ATTEMPTS } = config;
  const location = REDIS_URL ? { redisUrl: REDIS_URL } : { databaseUrl: DATABASE_URL };
  const metrics = createMetrics("worker", log);
  const pool = openPool(DATABASE_URL, { name: NAME, size: CONNECTIONS });
  const outagePause = createOutagePause({
    shutdownSignal,
    onPause: (err) => log.error({ err }, "paused: Postgres cannot be used; it is tried until it can"),
    onResume: (pausedForMs) => log.info({ pausedForMs }, "resumed: Postgres can be used again"),
  });
  const ofWorker = workerMetrics(metrics, outagePause);
  const queueOutage = outageLog(log, {
    began: { code: "queue-unavailable", message: "queue unavailable; retrying" },
    ended: { code: "queue-recovered", message: "queue available again" },
  });
  const queue = openQueue(location, {
    name: NAME,
    maxAttempts: MAX_ATTEMPTS,
    timeoutMs: QUEUE_TIMEOUT_MS,
    onError: queueOutage.recordFailure,
  });
  observeBacklog(metrics, pool, queue);
  const jobHandler = createJobHandler({
    pool,
    queue,
    outagePause,
    metrics: ofWorker,
    log,
    maxAttempts: MAX_ATTEMPTS,
  });
  const consumer = consume(location, jobHandler.handle, {
    ...times,
    name: NAME,
    concurrency: WORKER_CONCURRENCY,
    handleStalled: jobHandler.handleStalled,
    onError: queueOutage.recordFailure,
  });

  const app = new Hono().notFound(notFound).onError(onError(log));
  app.route(
    "/",
    probes({
      needs: {
        async postgres() {
          // A server that answers but takes no writes has said so to the batch that waits for it.
          if (outagePause.outage !== undefined) throw outagePause.outage.error;
          await pool.query("select 1 from open_deliveries limit 1");
        },
        async queue() {
          const readiness = await consumer.readiness();
          if (!readiness.ready) throw new Error(readiness.reason);
        },
      },
      metrics,
      shutdownSignal,
    }),
  );
  const server = await serve(app, { port: PORT });
  if (!server.ok) {
    await consumer.close(DRAIN_MS);
    await Promise.all([queue.close(), closePool(pool)]);
    return server;
  }
  const { port, close } = server.value;
  const sweeping = sweep({ pool, queue, queueOutage, metrics: ofWorker, log, shutdownSignal });
  const watching = watchConsuming(consumer, metrics, log, shutdownSignal);
  log.info({ port, queue: queue.backend, concurrency: WORKER_CONCURRENCY }, "the worker takes jobs");
  return {
    ok: true,
    value: {
      port,
      shutdown: {
        "finish the jobs in flight": () => consumer.close(DRAIN_MS),
        "stop the sweeper and the watch over the queue": () => Promise.all([sweeping, watching]),
        "close the queue": () => queue.close(),
        "close the pool": () => closePool(pool),
        "close the probes": () => close(),
      },
    },
  };
}
