import { createLogger, orExit, runUntilSignal } from "@dossier/service";
import { consoleConfig } from "./config.ts";
import { startConsole } from "./start.ts";

const config = orExit(consoleConfig());
const log = createLogger({ service: "console", level: config.LOG_LEVEL });
await runUntilSignal(
  log,
  async (shutdownSignal) => orExit(await startConsole(config, log, shutdownSignal)).shutdown,
);
