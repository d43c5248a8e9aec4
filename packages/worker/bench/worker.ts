import { createLogger, serveOps } from "@dossier/service";
import { startWorker } from "../src/index.ts";
import type { Places } from "./settle.ts";

/** Starts a worker. */
export async function start({ postgresUrl, redisUrl }: Places): Promise<void> {
  const log = createLogger({ service: "worker", level: "fatal" });
  const signal = new AbortController().signal;
  const fail = (reason: string) => {
    throw new Error(reason);
  };
  const ops = await serveOps({
    service: "worker",
    OPS_PORT: 0,
    OPS_HOST: "127.0.0.1",
    log,
    drainSignal: signal,
  });
  if (!ops.ok) throw new Error(ops.error);
  const worker = await startWorker(
    { DATABASE_URL: postgresUrl, REDIS_URL: redisUrl, WORKER_CONCURRENCY: 64, MAX_ATTEMPTS: 8 },
    { log, ops: ops.value, shutdownSignal: signal, fail },
  );
  if (!worker.ok) throw new Error(worker.error);
}
