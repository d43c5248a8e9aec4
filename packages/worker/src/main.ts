import { createLogger, orExit, runUntilSignal } from "@dossier/service";
import { workerConfig } from "./config.ts";
import { startWorker } from "./start.ts";

const config = orExit(workerConfig());
const log = createLogger({ service: "worker", level: config.LOG_LEVEL });
await runUntilSignal(
  log,
  async (shutdownSignal) => orExit(await startWorker(config, log, shutdownSignal)).shutdown,
);
