import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import { startNode, type NodeProcess, type Scope } from "@dossier/testing";

const PACKAGES = join(import.meta.dirname, "../..");

export const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";

export interface ServiceOptions {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Where traces are sent; nothing is traced without it. */
  readonly collector?: string | undefined;
  /** Options of Node itself. */
  readonly execArgv?: readonly string[];
}

export interface Service extends NodeProcess {
  readonly port: number;
}

/** Starts a service as its own `main.ts` does, in a process of its own. */
export async function startService(
  scope: Scope,
  service: "ingest" | "worker" | "console",
  { databaseUrl, redisUrl, collector, execArgv = [] }: ServiceOptions,
): Promise<Service> {
  const port = await freePort();
  const started = startNode(scope, join(PACKAGES, service, "src/main.ts"), {
    execArgv,
    env: {
      PORT: String(port),
      OPS_PORT: String(await freePort()),
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      ICOMPLY_WEBHOOK_SECRETS: SECRET,
      LOG_LEVEL: "info",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector,
    },
  });
  await started.logged(service === "worker" ? "worker-started" : "listening");
  return { ...started, port };
}
