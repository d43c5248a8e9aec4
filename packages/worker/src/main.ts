import { orExit, runService } from "@dossier/service";
import { workerConfig } from "./config.ts";
import { startWorker } from "./start.ts";

const config = orExit(workerConfig());
await runService("worker", config, (context) => startWorker(config, context));
