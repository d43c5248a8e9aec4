/** An ingest as its own `main.ts` runs it, but configured by arguments. */
import { startIngest } from "@dossier/ingest";
import { runService } from "@dossier/service";

const [port, databaseUrl = "", redisUrl = "", secret = ""] = process.argv.slice(2);
const config = {
  PORT: Number(port),
  DATABASE_URL: databaseUrl,
  REDIS_URL: redisUrl,
  ICOMPLY_WEBHOOK_SECRETS: [secret],
  MAX_BODY_BYTES: 1024 * 1024,
  KEEP_ALIVE_SECONDS: 65,
};
await runService("ingest", { LOG_LEVEL: "info", OPS_PORT: 0, OPS_HOST: "127.0.0.1" }, (context) =>
  startIngest(config, context),
);
