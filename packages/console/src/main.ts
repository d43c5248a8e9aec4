import { orExit, runService } from "@dossier/service";
import { consoleConfig } from "./config.ts";
import { startConsole } from "./start.ts";

const config = orExit(consoleConfig());
await runService("console", config, (context) => startConsole(config, context));
