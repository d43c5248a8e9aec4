/** A worker as its own main.ts starts it, but sooner sure that another one has died. */
import { createLogger, orExit, runUntilSignal } from "@dossier/service";
import { startWorker } from "@dossier/worker";
import { WORKER_TIMES } from "../times.ts";

const [port, databaseUrl = "", redisUrl = ""] = process.argv.slice(2);
const log = createLogger({ service: "worker", level: "info" });
const config = {
  PORT: Number(port),
  LOG_LEVEL: "info",
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  WORKER_CONCURRENCY: 16,
  MAX_ATTEMPTS: 8,
} as const;
await runUntilSignal(
  log,
  async (shutdownSignal) => orExit(await startWorker(config, log, shutdownSignal, WORKER_TIMES)).shutdown,
);
