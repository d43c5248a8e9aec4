import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "@dossier/embedded";
import { openScope, runNode, startNode, startPostgres, type LocalServer, type Scope } from "@dossier/testing";
import { beforeAll, beforeEach, expect, test, type TestContext } from "vitest";
import { startPgBouncer } from "./pgbouncer.ts";

const PACKAGES = join(import.meta.dirname, "../../../packages");
const SERVICES = ["ingest", "worker", "console"] as const;
type Service = (typeof SERVICES)[number];
const MODES = ["session", "transaction", "statement"] as const;

const PASSWORD = "a-password";
const SECRET = "whs_0123456789abcdef0123456789abcdef";
const TOKEN = "a-token-for-tests";

let missing: string | undefined;
let postgres: LocalServer;
/** The servers' URLs, without a login. */
const poolers = {} as Record<(typeof MODES)[number], string>;

beforeAll(async () => {
  missing = await promisify(execFile)("pgbouncer", ["--version"]).then(
    () => undefined,
    () => "there is no pgbouncer on the PATH",
  );
  if (missing !== undefined) return undefined;
  const scope = openScope();
  postgres = await startPostgres();
  scope.onTestFinished(() => postgres.stop());
  const { code, stderr } = await dossier(["migrate"], {
    DATABASE_URL: postgres.url,
    ...Object.fromEntries(
      SERVICES.map((name) => [`${name.toUpperCase()}_DATABASE_URL`, loginOn(postgres.url, name)]),
    ),
  });
  if (code !== 0) throw new Error(stderr);
  for (const mode of MODES) poolers[mode] = await startPooler(scope, mode);
  return scope.close;
});

beforeEach((context) => {
  if (missing === undefined) return;
  if (process.env.CI === "true") throw new Error(missing);
  context.skip(missing);
});

/** Starts a pooler that knows the services' logins. Returns its URL. */
async function startPooler(scope: Scope, mode: (typeof MODES)[number], port?: number): Promise<string> {
  const passwords = {
    ...Object.fromEntries(SERVICES.map((name) => [name, PASSWORD])),
    postgres: new URL(postgres.url).password,
  };
  const { url, stop } = await startPgBouncer({
    postgresPort: postgres.port,
    mode,
    passwords,
    ...(port && { port }),
  });
  scope.onTestFinished(stop);
  return url;
}

function loginOn(url: string, user: string, password = PASSWORD): string {
  const login = new URL(url);
  login.username = user;
  login.password = password;
  return login.href;
}

function dossier(args: readonly string[], env: Readonly<Record<string, string>>) {
  return runNode(join(PACKAGES, "cli/src/main.ts"), { args, env });
}

function startService(context: TestContext, service: Service, poolerUrl: string) {
  return startNode(context, join(PACKAGES, service, "src/main.ts"), {
    env: {
      DATABASE_URL: loginOn(poolerUrl, service),
      PORT: "0",
      OPS_PORT: "0",
      ICOMPLY_WEBHOOK_SECRETS: SECRET,
      DOSSIER_API_TOKEN: TOKEN,
    },
  });
}

test("in session mode, webhooks are recorded, settled and read, with the queue in Postgres", async (context) => {
  const ingest = startService(context, "ingest", poolers.session);
  const console = startService(context, "console", poolers.session);
  startService(context, "worker", poolers.session);
  const env = {
    INGEST_PORT: String((await ingest.logged("listening")).port),
    CONSOLE_PORT: String((await console.logged("listening")).port),
    ICOMPLY_WEBHOOK_SECRETS: SECRET,
    DOSSIER_API_TOKEN: TOKEN,
  };
  const simulation = await dossier(["simulate", "--persons=50", "--duplicates=0.3", "--check"], env);
  expect(simulation).toMatchObject({ code: 0 });
  expect(ingest.log.logged("postgres-unavailable")).toEqual([]);
});

test.for(SERVICES)("in transaction mode, %s ends at its start, and says why", async (service, context) => {
  const ended = await startService(context, service, poolers.transaction).ended;
  expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining("pool_mode = session") as string });
});

test("a service ends, too, if a pooler in transaction mode is there only after its start", async (context) => {
  const port = await freePort();
  const { logged, log, ended } = startService(context, "ingest", `postgres://127.0.0.1:${port}/postgres`);
  await logged("listening");
  await startPooler(context, "transaction", port);
  expect((await ended).code).toBe(1);
  expect(log.logged("misconfigured")).toMatchObject([
    { reason: expect.stringContaining("pool_mode = session") as string },
  ]);
});

test.for(["transaction", "statement"] as const)("in %s mode, migrate fails, and says why", async (mode) => {
  const { code, stderr } = await migrateThrough(mode);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining("pool_mode = session") as string,
  });
});

test("migrate says that a pooler may not know the login that it has created", async () => {
  const { code, stderr } = await migrateThrough("session", {
    INGEST_DATABASE_URL: loginOn(poolers.session, "unknown_to_the_pooler"),
  });
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("auth_file") as string });
});

function migrateThrough(mode: (typeof MODES)[number], env: Readonly<Record<string, string>> = {}) {
  const { password } = new URL(postgres.url);
  return dossier(["migrate"], { DATABASE_URL: loginOn(poolers[mode], "postgres", password), ...env });
}
