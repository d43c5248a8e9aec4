import { createLogger, type Logger } from "./logger.ts";
import { serveOps, type Ops } from "./ops.ts";
import { orExit, runUntilSignal, type Result, type ShutdownSteps } from "./run.ts";
import type { Tracing } from "./tracing.ts";

/** What a service gets from the process that it runs in. */
export interface ServiceContext {
  readonly log: Logger;
  readonly ops: Ops;
  /** Absent if nothing is traced. */
  readonly tracing?: Tracing | undefined;
  /** Aborted when the service begins to shut down. */
  readonly shutdownSignal: AbortSignal;
  /** Ends the process, as the service can never work as it is configured. */
  readonly fail: (reason: string) => void;
  /** Ends the process, so that its supervisor starts another. Absent if other services share the process. */
  readonly restart?: (reason: string, code: string) => void;
}

/** What the process of a service reads, and not the service itself. */
export interface ProcessConfig {
  readonly LOG_LEVEL: string;
  readonly OPS_PORT: number;
  readonly OPS_HOST: string;
  /** Default 0. */
  readonly DRAIN_SECONDS?: number;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
}

/** Runs one service in a process of its own, with its log and its ops port, until SIGTERM or SIGINT. */
export async function runService(
  name: string,
  { LOG_LEVEL, OPS_PORT, OPS_HOST, DRAIN_SECONDS = 0, OTEL_EXPORTER_OTLP_ENDPOINT }: ProcessConfig,
  start: (context: ServiceContext) => Promise<Result<{ readonly shutdown: ShutdownSteps }>>,
): Promise<void> {
  const log = createLogger({ service: name, level: LOG_LEVEL });
  const tracing = await loadTracing(name, OTEL_EXPORTER_OTLP_ENDPOINT, log);
  await runUntilSignal(
    log,
    async (shutdownSignal, drainSignal, fail) => {
      const ops = orExit(await serveOps({ service: name, OPS_PORT, OPS_HOST, log, drainSignal }));
      const { shutdown } = orExit(await start({ log, ops, tracing, shutdownSignal, fail, restart: fail }));
      return {
        ...shutdown,
        "send the last traces": () => tracing?.stop(),
        "close the ops server": () => ops.close(),
      };
    },
    { drainSeconds: DRAIN_SECONDS },
  );
}

/** Starts to trace if there is where to send traces; OpenTelemetry's SDK is not even loaded otherwise. */
export async function loadTracing(
  service: string,
  endpoint: string | undefined,
  log: Logger,
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const { startTracing } = await import("./tracing.ts");
  return startTracing(service, endpoint, log);
}
