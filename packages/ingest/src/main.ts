import { createLogger, orExit, runUntilSignal } from "@dossier/service";
import { ingestConfig } from "./config.ts";
import { startIngest } from "./start.ts";

const config = orExit(ingestConfig());
const log = createLogger({ service: "ingest", level: config.LOG_LEVEL });
await runUntilSignal(
  log,
  async (shutdownSignal) => orExit(await startIngest(config, log, shutdownSignal)).shutdown,
);
