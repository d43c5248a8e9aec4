/** A worker as its own `main.ts` runs it, but configured by arguments, and with shorter locks. */
import { runService } from "@dossier/service";
import { startWorker } from "@dossier/worker";

/** So short that a frozen worker loses its locks. */
const LOCKS = { lockDurationMs: 5_000, stalledIntervalMs: 2_500 };

const [port, databaseUrl = "", redisUrl = ""] = process.argv.slice(2);
const config = {
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  WORKER_CONCURRENCY: 16,
  MAX_ATTEMPTS: 8,
};
await runService("worker", { LOG_LEVEL: "info", OPS_PORT: Number(port), OPS_HOST: "127.0.0.1" }, (context) =>
  startWorker(config, context, LOCKS),
);
