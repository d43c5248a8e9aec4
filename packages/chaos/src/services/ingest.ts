/** An ingest as its own `main.ts` runs it, but configured by arguments. */
import { startIngest } from "@dossier/ingest";
import { createLogger, orExit, runUntilSignal } from "@dossier/service";

const [port, databaseUrl = "", redisUrl = "", secret = ""] = process.argv.slice(2);
const log = createLogger({ service: "ingest", level: "info" });
const config = {
  PORT: Number(port),
  LOG_LEVEL: "info" as const,
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  ICOMPLY_WEBHOOK_SECRETS: [secret],
  MAX_BODY_BYTES: 1024 * 1024,
};
await runUntilSignal(
  log,
  async (shutdownSignal) => orExit(await startIngest(config, log, shutdownSignal)).shutdown,
);
