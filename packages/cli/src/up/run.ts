import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { orExit, runUntilSignal, type Result, type ShutdownSteps } from "@dossier/service";
import { upConfig, type UpConfig } from "../config.ts";
import { consoleClient } from "../console/client.ts";
import { prepareSchema } from "../schema.ts";
import { openTrial, type Trial } from "../trial.ts";
import { openDatabase } from "./database.ts";
import { takeFolder } from "./lock.ts";
import { openLog, type LoggerOf } from "./log.ts";
import { checkPorts } from "./ports.ts";
import { sendSamples } from "./samples.ts";
import { startServices } from "./services.ts";
import { personsTable, signposts, type Place } from "./welcome.ts";

/** `npm start` passes on the Ctrl-C that the terminal has sent to all of its processes. */
const SAME_SIGNAL_MS = 1_000;

/** Postgres writes all that it holds to the disk before it stops, and a slow disk takes its time. */
const STEP_TIMEOUT_MS = 60_000;

/**
 * Runs everything until a signal comes, then ends the process, with 0 where all was shut down in
 * order. Gives back, before anything runs, why it cannot.
 */
export async function runUp(): Promise<Result<void>> {
  const read = upConfig();
  if (!read.ok) return read;
  const config = read.value;
  const dir = config.DOSSIER_DATA_DIR;
  await mkdir(dir, { recursive: true });
  const folder = takeFolder(dir);
  if (!folder.ok) return folder;
  const { INGEST_PORT, CONSOLE_PORT } = config;
  const ports = await checkPorts({ INGEST_PORT, CONSOLE_PORT });
  if (!ports.ok) return ports;

  const trial = await openTrial(dir);
  const loggerOf = openLog(join(dir, "dossier.log"), config.LOG_LEVEL);
  const log = loggerOf("up");
  await runUntilSignal(
    log,
    async (shutdownSignal) => {
      const { place, shutdown } = orExit(await start(config, trial, loggerOf, shutdownSignal));
      shutdownSignal.addEventListener("abort", () => say("shutdownSignal; a second Ctrl-C ends it at once"));
      greet(place).catch((err: unknown) => log.warn({ err }, "the samples' files could not be shown"));
      return {
        ...shutdown,
        "let the data folder go": () => {
          folder.value[Symbol.dispose]();
          say(`stopped; the data stay in ${dir}`);
        },
      };
    },
    { stepTimeoutMs: STEP_TIMEOUT_MS, sameSignalMs: SAME_SIGNAL_MS },
  );
  return { ok: true, value: undefined };
}

async function start(
  config: UpConfig,
  trial: Trial,
  loggerOf: LoggerOf,
  shutdownSignal: AbortSignal,
): Promise<Result<{ place: Place; shutdown: ShutdownSteps }>> {
  const dir = config.DOSSIER_DATA_DIR;
  await using undo = new AsyncDisposableStack();
  say("starting");
  const database = undo.use(await openDatabase(config, trial));
  const { ownerUrl, serviceUrl } = database;
  await prepareSchema({ ownerUrl, serviceUrl, withQueue: config.REDIS_URL === undefined });
  const secrets = config.ICOMPLY_WEBHOOK_SECRETS ?? [trial.webhookSecret];
  const token = config.DOSSIER_API_TOKEN ?? trial.apiToken;
  const services = await startServices(
    { ...config, DATABASE_URL: serviceUrl, ICOMPLY_WEBHOOK_SECRETS: secrets, DOSSIER_API_TOKEN: token },
    loggerOf,
    shutdownSignal,
  );
  if (!services.ok) return services;
  undo.move();

  const { ports, shutdown } = services.value;
  return {
    ok: true,
    value: {
      place: {
        dir,
        database: database.where,
        queue:
          config.REDIS_URL === undefined
            ? "in the same Postgres"
            : `Redis at ${new URL(config.REDIS_URL).host}`,
        ingest: new URL(`http://localhost:${ports.ingest}`),
        console: new URL(`http://localhost:${ports.console}`),
        worker: new URL(`http://localhost:${ports.worker}`),
        secret: secrets[0] ?? trial.webhookSecret,
        token,
        trial: {
          secret: config.ICOMPLY_WEBHOOK_SECRETS ? undefined : trial.webhookSecret,
          token: config.DOSSIER_API_TOKEN ? undefined : trial.apiToken,
          databaseUrl: database.embedded ? serviceUrl : undefined,
        },
      },
      shutdown: { ...shutdown, "stop Postgres": () => database[Symbol.asyncDispose]() },
    },
  };
}

async function greet(place: Place): Promise<void> {
  const client = consoleClient(place.console, place.token);
  const sent = await sendSamples(place, client);
  const heading = sent
    ? "iComply's six sample payloads came in, and made these files:"
    : "The files found here:";
  console.log(`\n${heading}\n\n${await personsTable(client)}\n\n${signposts(place)}\n`);
}

function say(line: string): void {
  process.stderr.write(`dossier: ${line}\n`);
}
