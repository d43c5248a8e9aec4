import { openQueue } from "@dossier/queue";
import { createMetrics, probes, serve, type Logger, type Result, type ShutdownSteps } from "@dossier/service";
import { openPool } from "@dossier/store";
import { ingestApp } from "./app.ts";
import type { IngestConfig } from "./config.ts";
import { createReceiver, outageLogs } from "./receive.ts";

const NAME = "dossier-ingest";

/** Milliseconds until a statement without an answer is given up, and its connection with it. */
const STATEMENT_TIMEOUT_MS = 10_000;

/** A commit and what remains of the one before it. iComply waits for an answer for 60 s. */
const COMMIT_WITHIN_MS = 15_000;

const MAX_WAITING_BYTES = 128 * 1024 * 1024;

/**
 * One connection for commits, which follow one another, and one for probes. More would split what one commit can
 * carry.
 */
const CONNECTIONS = 2;

/**
 * Starts ingest; gives the port it listens on and the steps that shut it down, or why it cannot listen.
 *
 * @param queueTimeoutMs how long a sender waits for the queue at most. Longer rides out a hiccup; shorter answers
 *   sooner while the queue is away. Default 1,000
 */
export async function startIngest(
  config: IngestConfig,
  log: Logger,
  shutdownSignal: AbortSignal,
  { queueTimeoutMs = 1_000 }: { readonly queueTimeoutMs?: number } = {},
): Promise<Result<{ port: number; shutdown: ShutdownSteps }>> {
  const { PORT, DATABASE_URL, REDIS_URL, ICOMPLY_WEBHOOK_SECRETS, MAX_BODY_BYTES } = config;
  const metrics = createMetrics("ingest", log);
  const notEnqueued = metrics.meter.createCounter("dossier_deliveries_not_enqueued_total", {
    description: "Recorded deliveries that the queue did not take at once; the sweeper enqueues them.",
  });
  const pool = openPool(DATABASE_URL, { name: NAME, size: CONNECTIONS, timeoutMs: STATEMENT_TIMEOUT_MS });
  const outages = outageLogs(log);
  const queue = openQueue(REDIS_URL ? { redisUrl: REDIS_URL } : { databaseUrl: DATABASE_URL }, {
    name: NAME,
    timeoutMs: queueTimeoutMs,
    onError: outages.queue.recordFailure,
  });
  const receiver = createReceiver({
    pool,
    queue,
    secrets: ICOMPLY_WEBHOOK_SECRETS,
    maxBodyBytes: MAX_BODY_BYTES,
    commitWithinMs: COMMIT_WITHIN_MS,
    maxWaitingBytes: MAX_WAITING_BYTES,
    outages,
    onNotEnqueued: (deliveries) => notEnqueued.add(deliveries),
  });

  const app = ingestApp(receiver, MAX_BODY_BYTES, metrics, log);
  app.route(
    "/",
    probes({
      needs: { postgres: () => pool.query("select 1 from deliveries limit 1") },
      uses: { queue: () => outages.queue.watch(() => queue.counts()) },
      metrics,
      shutdownSignal,
    }),
  );
  const server = await serve(app, { port: PORT });
  if (!server.ok) {
    await Promise.all([queue.close(), pool.end()]);
    return server;
  }
  const { port, close } = server.value;
  log.info({ port, queue: queue.backend }, "ingest listens");
  return {
    ok: true,
    value: {
      port,
      shutdown: {
        "answer what was taken": () => close(),
        "finish the commits": () => receiver.idle(),
        "close the queue": () => queue.close(),
        "close the pool": () => pool.end(),
      },
    },
  };
}
