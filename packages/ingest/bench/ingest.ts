import { createLogger, loadTracing, serveOps } from "@dossier/service";
import { startIngest } from "../src/index.ts";
import type { Places } from "./webhooks.ts";

/** Starts ingest. Returns its port. @param collector where it sends traces. Default: nothing is traced */
export async function start({ postgresUrl, redisUrl, secret }: Places, collector?: string): Promise<number> {
  const log = createLogger({ service: "ingest", level: "error" });
  const drainSignal = new AbortController().signal;
  const fail = (reason: string) => {
    throw new Error(reason);
  };
  const ops = await serveOps({ service: "ingest", OPS_PORT: 0, OPS_HOST: "127.0.0.1", log, drainSignal });
  if (!ops.ok) throw new Error(ops.error);
  const ingest = await startIngest(
    {
      PORT: 0,
      DATABASE_URL: postgresUrl,
      REDIS_URL: redisUrl,
      ICOMPLY_WEBHOOK_SECRETS: [secret],
      MAX_BODY_BYTES: 1024 * 1024,
      KEEP_ALIVE_SECONDS: 65,
    },
    {
      log,
      ops: ops.value,
      tracing: await loadTracing("ingest", collector, log),
      shutdownSignal: drainSignal,
      fail,
    },
  );
  if (!ingest.ok) throw new Error(ingest.error);
  return ingest.value.port;
}
