import { join } from "node:path";
import { describeRedisUrl } from "@dossier/queue/redis-url";
import {
  orExit,
  runUntilSignal,
  type Result,
  type ServiceContext,
  type ShutdownSteps,
} from "@dossier/service";
import { prepareSchema } from "../commands/migrate.ts";
import { readUpConfig, type UpConfig } from "../config.ts";
import { createConsoleClient } from "../console-client.ts";
import { printError } from "../terminal/print.ts";
import { openTrial, type Trial } from "../trial.ts";
import { openDatabase } from "./database.ts";
import { openLog, type CreateLogger } from "./log.ts";
import { checkPorts, createDataDir, lockDataDir } from "./preflight.ts";
import { startServices } from "./services.ts";
import { printHints, printPersons, type Installation } from "./welcome.ts";

/** `npm start` forwards the Ctrl-C that the terminal has sent to all of its processes. */
const SAME_SIGNAL_MS = 1_000;

/** Postgres writes all that it holds to the disk before it stops, and a slow disk takes its time. */
const STEP_TIMEOUT_MS = 60_000;

/**
 * Runs everything until a signal comes, then ends the process: with 0 if all was shut down cleanly.
 *
 * @returns why it cannot start, before anything is started
 */
export async function runUp(): Promise<Result<void>> {
  const read = readUpConfig();
  if (!read.ok) return read;
  const config = read.value;
  const dir = config.DOSSIER_DATA_DIR;
  const created = await createDataDir(dir);
  if (!created.ok) return created;
  const lock = lockDataDir(dir);
  if (!lock.ok) return lock;
  const { INGEST_PORT, CONSOLE_PORT, OPS_PORT } = config;
  const ports = await checkPorts({ INGEST_PORT, CONSOLE_PORT, ...(OPS_PORT && { OPS_PORT }) });
  if (!ports.ok) return ports;

  const trial = await openTrial(dir, { ingest: INGEST_PORT, console: CONSOLE_PORT, ops: OPS_PORT });
  const createLogger = openLog(join(dir, "dossier.log"), config.LOG_LEVEL);
  const log = createLogger("up");
  await runUntilSignal(
    log,
    async (shutdownSignal, _drainSignal, fail) => {
      const { installation, token, shutdown } = orExit(
        await start(config, trial, createLogger, { shutdownSignal, fail }),
      );
      shutdownSignal.addEventListener("abort", () =>
        report("shutting down; a second Ctrl-C ends it at once"),
      );
      printHints(installation);
      printPersons(installation, createConsoleClient(installation.console, token)).catch((err: unknown) =>
        log.warn({ err, code: "samples-failed" }, "cannot send the samples and show the persons"),
      );
      return {
        ...shutdown,
        "unlock the data folder": () => {
          lock.value[Symbol.dispose]();
          report(`stopped; the data are in ${dir}`);
        },
      };
    },
    { stepTimeoutMs: STEP_TIMEOUT_MS, sameSignalMs: SAME_SIGNAL_MS },
  );
  return { ok: true, value: undefined };
}

interface Started {
  readonly installation: Installation;
  readonly token: string;
  readonly shutdown: ShutdownSteps;
}

async function start(
  config: UpConfig,
  trial: Trial,
  createLogger: CreateLogger,
  context: Pick<ServiceContext, "shutdownSignal" | "fail">,
): Promise<Result<Started>> {
  const { DOSSIER_DATA_DIR, REDIS_URL } = config;
  await using undo = new AsyncDisposableStack();
  report("starting");
  const database = undo.use(await openDatabase(config, trial));
  const { ownerUrl, logins, serviceUrls } = database;
  await prepareSchema({ ownerUrl, logins, withQueue: REDIS_URL === undefined });
  const secrets = config.ICOMPLY_WEBHOOK_SECRETS ?? [trial.webhookSecret];
  const token = config.DOSSIER_API_TOKEN ?? trial.apiToken;
  const services = await startServices(
    {
      ...config,
      OPS_PORT: trial.ports.ops,
      serviceUrls,
      ICOMPLY_WEBHOOK_SECRETS: secrets,
      DOSSIER_API_TOKEN: token,
    },
    createLogger,
    context,
  );
  if (!services.ok) return services;
  undo.move();

  const { ports, shutdown } = services.value;
  const installation: Installation = {
    dir: DOSSIER_DATA_DIR,
    database: database.description,
    queue: REDIS_URL === undefined ? "in the same Postgres" : describeRedisUrl(REDIS_URL),
    ingest: new URL(`http://127.0.0.1:${ports.ingest}`),
    console: new URL(`http://127.0.0.1:${ports.console}`),
    ops: new URL(`http://127.0.0.1:${ports.ops}`),
    secret: secrets[0] ?? trial.webhookSecret,
    trial: {
      secret: config.ICOMPLY_WEBHOOK_SECRETS ? undefined : trial.webhookSecret,
      token: config.DOSSIER_API_TOKEN ? undefined : trial.apiToken,
      readerUrl: logins.reader,
    },
  };
  const stopDatabase = () => database[Symbol.asyncDispose]();
  return {
    ok: true,
    value: { installation, token, shutdown: { ...shutdown, "stop Postgres": stopDatabase } },
  };
}

function report(line: string): void {
  printError(`dossier: ${line}`);
}
