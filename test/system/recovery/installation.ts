import { join } from "node:path";
import { startNode, startRedis, waitFor, type NodeProcess, type Scope } from "@dossier/testing";
import { ROOT, type Environment, type Shell } from "../documents/commands.ts";

const TOKEN = "a-token-for-tests";

/** Everything that runs on one Postgres, with a Redis of its own. */
export interface Installation {
  /** What an operator's commands read. */
  readonly env: Environment;
  readonly worker: NodeProcess;
  /** Starts one more of a service, by default with the same code. */
  start(service: Service, root?: string): NodeProcess;
  get(path: string): Promise<Answer>;
  /** Resolves once no delivery is open. */
  settled(): Promise<unknown>;
  /** Kills everything but Postgres. */
  kill(): Promise<void>;
}

type Service = "ingest" | "worker" | "console";

interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

/** The URLs of a record and its logins. */
export function urlsOn(server: string, database = "dossier"): Environment {
  const login = (user: string) => {
    const url = new URL(server);
    [url.username, url.password, url.pathname] = [user, `password of ${user}`, database];
    return url.href;
  };
  const owner = new URL(server);
  owner.pathname = database;
  return {
    SERVER_URL: server,
    MIGRATION_DATABASE_URL: owner.href,
    INGEST_DATABASE_URL: login("ingest"),
    WORKER_DATABASE_URL: login("worker"),
    CONSOLE_DATABASE_URL: login("console"),
  };
}

/**
 * Starts the services on a database that was migrated, and an empty Redis.
 *
 * @param code the folder with their code. Default: this one
 */
export async function startInstallation(scope: Scope, urls: Environment, code = ROOT): Promise<Installation> {
  const redis = await startRedis();
  scope.onTestFinished(() => redis.stop());
  const start = (service: Service, root = code) =>
    startNode(scope, join(root, "packages", service, "src/main.ts"), {
      env: {
        DATABASE_URL: urls[`${service.toUpperCase()}_DATABASE_URL`],
        REDIS_URL: redis.url,
        PORT: "0",
        OPS_PORT: "0",
        ICOMPLY_WEBHOOK_SECRETS: "a secret of some length",
        DOSSIER_API_TOKEN: TOKEN,
      },
    });
  const [ingest, console, worker] = [start("ingest"), start("console"), start("worker")];
  const CONSOLE_URL = `http://127.0.0.1:${String((await console.logged("listening")).port)}`;
  const env = {
    ...urls,
    CONSOLE_URL,
    DOSSIER_API_TOKEN: TOKEN,
    ICOMPLY_WEBHOOK_SECRETS: "a secret of some length",
    INGEST_PORT: String((await ingest.logged("listening")).port),
  };
  async function get(path: string): Promise<Answer> {
    const response = await fetch(`${CONSOLE_URL}/api/v1${path}`, {
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    return { status: response.status, json: await response.json() };
  }
  return {
    env,
    worker,
    start,
    get,
    settled: () =>
      waitFor(
        () => get("/stats"),
        ({ json }) => json.deliveries.open === 0,
      ),
    async kill() {
      for (const { child } of [ingest, console, worker]) child.kill("SIGKILL");
      await redis.stop();
    },
  };
}

/** Has a simulator send the webhooks of invented persons. */
export function simulate(
  shell: Shell,
  { env }: Installation,
  persons: number,
  seed: number,
): Promise<string> {
  return shell.run(`dossier simulate --persons ${persons} --seed ${seed} --duplicates 0.3`, env);
}
