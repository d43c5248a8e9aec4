import { startConsole } from "@dossier/console";
import { startIngest } from "@dossier/ingest";
import {
  loadTracing,
  serveOps,
  type Result,
  type ServiceContext,
  type ShutdownSteps,
} from "@dossier/service";
import { startWorker } from "@dossier/worker";
import type { UpConfig } from "../config.ts";
import type { CreateLogger } from "./log.ts";

/** A trial is for this machine alone. */
const host = "127.0.0.1";

export interface Services {
  readonly ports: { readonly ingest: number; readonly console: number; readonly ops: number };
  readonly shutdown: ShutdownSteps;
}

/** As each service logs in. */
export type ServiceUrls = Readonly<Record<"ingest" | "worker" | "console", string>>;

export type ServiceConfig = UpConfig & {
  readonly OPS_PORT: number;
  readonly serviceUrls: ServiceUrls;
  readonly ICOMPLY_WEBHOOK_SECRETS: string[];
};

/** Starts ingest, worker and console in this process, with one ops port for all; they shut down in that order. */
export async function startServices(
  config: ServiceConfig,
  createLogger: CreateLogger,
  { shutdownSignal, fail }: Pick<ServiceContext, "shutdownSignal" | "fail">,
): Promise<Result<Services>> {
  await using undo = new AsyncDisposableStack();

  const { OPS_PORT, OPS_HOST, OTEL_EXPORTER_OTLP_ENDPOINT, serviceUrls } = config;
  const log = createLogger("up");
  const ops = await serveOps({ service: "up", OPS_PORT, OPS_HOST, log, drainSignal: shutdownSignal });
  if (!ops.ok) return ops;
  undo.defer(() => ops.value.close());
  const tracing = await loadTracing("up", OTEL_EXPORTER_OTLP_ENDPOINT, log);
  const createContext = (service: string) => ({
    log: createLogger(service),
    ops: ops.value,
    tracing,
    shutdownSignal,
    fail,
  });

  const ingest = await startIngest(
    { ...config, DATABASE_URL: serviceUrls.ingest, PORT: config.INGEST_PORT },
    createContext("ingest"),
    { host },
  );
  if (!ingest.ok) return ingest;
  undo.defer(() => runSteps(ingest.value.shutdown));

  const worker = await startWorker({ ...config, DATABASE_URL: serviceUrls.worker }, createContext("worker"));
  if (!worker.ok) return worker;
  undo.defer(() => runSteps(worker.value.shutdown));

  const console = await startConsole(
    { ...config, DATABASE_URL: serviceUrls.console, PORT: config.CONSOLE_PORT },
    createContext("console"),
    { host },
  );
  if (!console.ok) return console;

  undo.move();
  return {
    ok: true,
    value: {
      ports: { ingest: ingest.value.port, console: console.value.port, ops: ops.value.port },
      shutdown: {
        ...prefixSteps("ingest", ingest.value.shutdown),
        ...prefixSteps("worker", worker.value.shutdown),
        ...prefixSteps("console", console.value.shutdown),
        "send the last traces": () => tracing?.stop(),
        "close the ops server": () => ops.value.close(),
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
