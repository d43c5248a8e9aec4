import { orExit, runService } from "@dossier/service";
import { ingestConfig } from "./config.ts";
import { startIngest } from "./start.ts";

const config = orExit(ingestConfig());
await runService("ingest", config, (context) => startIngest(config, context));
