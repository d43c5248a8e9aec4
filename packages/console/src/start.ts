import { openQueue } from "@dossier/queue";
import { outageLog, serve, type Result, type ServiceContext, type ShutdownSteps } from "@dossier/service";
import { closePool, openPool, readInstallationId } from "@dossier/store";
import { createApp } from "./app.ts";
import type { ConsoleConfig } from "./config.ts";

const NAME = "dossier-console";

/** Connections to Postgres, shared by all requests, so that many readers do not take Postgres from the workers. */
const CONNECTIONS = 8;

export interface ConsoleOptions {
  /** How long a stream of changes may be silent before it sends a comment. Default 15. */
  readonly heartbeatSeconds?: number;
  /**
   * How long a request waits for the queue at most. More survives a short interruption of the queue; less answers
   * sooner while the queue is unavailable. Default 1,000.
   */
  readonly queueTimeoutMs?: number;
}

/** Starts the console. Returns its port and the steps that shut it down, or why it cannot listen. */
export async function startConsole(
  config: ConsoleConfig,
  { log, ops, shutdownSignal }: ServiceContext,
  { heartbeatSeconds, queueTimeoutMs = 1_000 }: ConsoleOptions = {},
): Promise<Result<{ port: number; shutdown: ShutdownSteps }>> {
  const { PORT, DATABASE_URL, REDIS_URL, DOSSIER_API_TOKEN: token } = config;
  const pool = openPool(DATABASE_URL, { name: NAME, size: CONNECTIONS });
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
    : { databaseUrl: DATABASE_URL };
  const queue = openQueue(location, {
    name: NAME,
    timeoutMs: queueTimeoutMs,
    onError: outages.queue.recordFailure,
  });

  const app = createApp({
    pool,
    queue,
    log,
    postgres: outages.postgres,
    token,
    shutdownSignal,
    heartbeatSeconds,
  });
  app.route(
    "/",
    ops.addService("console", {
      needs: { postgres: () => pool.query("select 1 from natural_persons limit 1") },
      uses: { queue: () => outages.queue.watch(() => queue.counts()) },
    }),
  );
  const server = await serve(app, {
    port: PORT,
    ...(token === undefined && { host: "127.0.0.1" }),
    limits: { keepAliveTimeout: config.KEEP_ALIVE_SECONDS * 1_000 },
  });
  const shutdown: ShutdownSteps = {
    "close the queue": () => queue.close(),
    "close the pool": () => closePool(pool),
  };
  if (!server.ok) {
    for (const step of Object.values(shutdown)) await step();
    return server;
  }
  const { port, close } = server.value;
  log.info({ code: "listening", port, opsPort: ops.port, loopbackOnly: token === undefined }, "listening");
  return { ok: true, value: { port, shutdown: { "close the HTTP server": () => close(), ...shutdown } } };
}
