import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { embeddedPostgres, freePort, guard, type EmbeddedPostgres } from "@dossier/embedded";

const run = promisify(execFile);

/** For how long the processes of a server that was killed may take to go. */
const GONE_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;

export interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

/**
 * Starts Postgres on a folder, on any free port of the loopback interface; its superuser is
 * `postgres`, its database too. It does not hear the terminal's Ctrl-C, so that services can use it to
 * the end of their shutdown; should this process end without having stopped it, it is ended at once,
 * and recovers at its next start. Nobody else may start it on that folder at the same time.
 */
export async function startServer(dir: string, password: string): Promise<Server> {
  await mkdir(dir, { recursive: true });
  const postgres = await embeddedPostgres(dir);
  const data = join(dir, "data");
  if (!existsSync(data)) await initialise(postgres, dir, password);
  else if (await runs(postgres, data)) await control(postgres, data, "stop", "-m", "immediate");

  const port = await freePort();
  await start(postgres, dir, port);
  const dismiss = guard("kill -QUIT $1", await processId(data));
  return {
    port,
    async stop() {
      await control(postgres, data, "stop", "-m", "fast");
      dismiss();
    },
  };
}

/** Made aside first, so that an interrupted start leaves no half of a database. */
async function initialise(postgres: EmbeddedPostgres, dir: string, password: string): Promise<void> {
  const draft = join(dir, "data.new");
  const passwordFile = join(dir, "password");
  await rm(draft, { recursive: true, force: true });
  // Read by the server's user, who may be another; the folder is that user's alone.
  await writeFile(passwordFile, password, { mode: 0o644 });
  try {
    await perform(postgres, "initdb", [
      `--pgdata=${draft}`,
      "--username=postgres",
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
    ]);
  } finally {
    await rm(passwordFile);
  }
  await rename(draft, join(dir, "data"));
}

async function start(postgres: EmbeddedPostgres, dir: string, port: number): Promise<void> {
  const log = join(dir, "postgres.log");
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`;
  const until = performance.now() + GONE_WITHIN_MS;
  for (;;) {
    await rm(log, { force: true });
    try {
      await control(postgres, join(dir, "data"), "start", `--log=${log}`, `--options=${settings}`);
      return;
    } catch (cause) {
      const said = await readFile(log, "utf8").catch(() => "it left no log");
      const stillGoing = said.includes("pre-existing shared memory block");
      if (!stillGoing || performance.now() > until) {
        throw new Error(`Postgres did not start on ${dir}: ${said.trim()}`, { cause });
      }
      await delay(LOOK_EVERY_MS);
    }
  }
}

function runs(postgres: EmbeddedPostgres, data: string): Promise<boolean> {
  return control(postgres, data, "status").then(
    () => true,
    () => false,
  );
}

function control(postgres: EmbeddedPostgres, data: string, ...args: readonly string[]): Promise<void> {
  return perform(postgres, "pg_ctl", [...args, "-D", data]);
}

async function perform(
  postgres: EmbeddedPostgres,
  program: "initdb" | "pg_ctl",
  given: readonly string[],
): Promise<void> {
  const { command, args, options } = postgres.command(program, given);
  await run(command, args, options);
}

async function processId(data: string): Promise<string> {
  const [pid = ""] = (await readFile(join(data, "postmaster.pid"), "utf8")).split("\n");
  return pid;
}
