/** A worker as its own `main.ts` runs it, but configured by arguments, and with shorter locks. */
import { createLogger, orExit, runUntilSignal } from "@dossier/service";
import { startWorker } from "@dossier/worker";

/** So short that a frozen worker loses its locks. */
const LOCKS = { lockDurationMs: 5_000, stalledIntervalMs: 2_500 };

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
  async (shutdownSignal) => orExit(await startWorker(config, log, shutdownSignal, LOCKS)).shutdown,
);
