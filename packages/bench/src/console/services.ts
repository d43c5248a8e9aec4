import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import { startNode, type NodeProcess, type Scope } from "@dossier/testing";

const PACKAGES = join(import.meta.dirname, "../../..");

export const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";

export interface Services {
  readonly processes: Readonly<Record<"ingest" | "worker" | "console", NodeProcess>>;
  readonly webhookUrl: string;
  readonly consoleUrl: string;
}

export interface ServicesOptions {
  readonly redisUrl: string;
  databaseUrl(service: "ingest" | "worker" | "console"): string;
  /** Where the console's CPU profile goes, if anywhere. */
  readonly profile: string | undefined;
}

/** Starts an ingest, a worker and a console as their own `main.ts` does, each a process of its own. */
export async function startServices(scope: Scope, options: ServicesOptions): Promise<Services> {
  const { redisUrl, databaseUrl, profile } = options;
  const ports = { ingest: await freePort(), worker: await freePort(), console: await freePort() };
  async function start(service: keyof typeof ports, execArgv: readonly string[] = []): Promise<NodeProcess> {
    const started = startNode(scope, join(PACKAGES, service, "src/main.ts"), {
      execArgv,
      env: {
        PORT: String(ports[service]),
        OPS_PORT: String(await freePort()),
        DATABASE_URL: databaseUrl(service),
        REDIS_URL: redisUrl,
        ICOMPLY_WEBHOOK_SECRETS: SECRET,
        LOG_LEVEL: "info",
      },
    });
    await started.logged(service === "worker" ? "worker-started" : "listening");
    return started;
  }
  const [ingest, worker, console] = await Promise.all([
    start("ingest"),
    start("worker"),
    start("console", profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`]),
  ]);
  return {
    processes: { ingest, worker, console },
    webhookUrl: `http://127.0.0.1:${ports.ingest}/webhooks/icomply`,
    consoleUrl: `http://127.0.0.1:${ports.console}`,
  };
}
