import { startConsole } from "@dossier/console";
import { startIngest } from "@dossier/ingest";
import type { Result, ShutdownSteps } from "@dossier/service";
import { startWorker } from "@dossier/worker";
import type { UpConfig } from "../config.ts";
import type { CreateLogger } from "./log.ts";

export interface Services {
  readonly ports: { readonly ingest: number; readonly worker: number; readonly console: number };
  readonly shutdown: ShutdownSteps;
}

export type ServiceConfig = UpConfig & {
  readonly DATABASE_URL: string;
  readonly ICOMPLY_WEBHOOK_SECRETS: string[];
};

/** Starts ingest, worker and console in this process; they shut down in that order. */
export async function startServices(
  config: ServiceConfig,
  createLogger: CreateLogger,
  shutdownSignal: AbortSignal,
): Promise<Result<Services>> {
  await using undo = new AsyncDisposableStack();

  const ingest = await startIngest(
    { ...config, PORT: config.INGEST_PORT },
    createLogger("ingest"),
    shutdownSignal,
  );
  if (!ingest.ok) return ingest;
  undo.defer(() => runSteps(ingest.value.shutdown));

  const worker = await startWorker({ ...config, PORT: 0 }, createLogger("worker"), shutdownSignal);
  if (!worker.ok) return worker;
  undo.defer(() => runSteps(worker.value.shutdown));

  const console = await startConsole(
    { ...config, PORT: config.CONSOLE_PORT },
    createLogger("console"),
    shutdownSignal,
  );
  if (!console.ok) return console;

  undo.move();
  return {
    ok: true,
    value: {
      ports: { ingest: ingest.value.port, worker: worker.value.port, console: console.value.port },
      shutdown: {
        ...prefixSteps("ingest", ingest.value.shutdown),
        ...prefixSteps("worker", worker.value.shutdown),
        ...prefixSteps("console", console.value.shutdown),
      },
    },
  };
}

async function runSteps(steps: ShutdownSteps): Promise<void> {
  for (const step of Object.values(steps)) await step();
}

function prefixSteps(service: string, steps: ShutdownSteps): ShutdownSteps {
  return Object.fromEntries(Object.entries(steps).map(([step, run]) => [`${service}: ${step}`, run]));
}
