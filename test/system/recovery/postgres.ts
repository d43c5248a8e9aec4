import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { chmod, chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { startServer, type LocalServer } from "@dossier/embedded";

const execute = promisify(execFile);

/** The programs of Debian's Postgres: the server's, and those for backups, which the embedded one has not. */
export const PROGRAMS = globSync("/usr/lib/postgresql/*/bin")
  .toSorted((a, b) => versionOf(a) - versionOf(b))
  .at(-1);

function versionOf(path: string): number {
  return Number(path.split("/").at(-2));
}

/**
 * Starts a Postgres of Debian's, whose superuser `postgres` needs no password.
 *
 * @param backup a data folder to start on a copy of. Default: a new one
 */
export function startDebianPostgres(backup?: string): Promise<LocalServer> {
  return startServer(
    {
      name: "postgres",
      url: (port) => `postgres://postgres:none@127.0.0.1:${port}/postgres`,
      async prepare(dir, port) {
        const user = await serverUser();
        const data = join(dir, "data");
        await mkdir(data);
        if (backup === undefined) {
          await own(user, dir, data);
          const settings = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"];
          await execute(join(PROGRAMS ?? "", "initdb"), [`--pgdata=${data}`, ...settings], {
            ...user,
            cwd: "/",
          });
        } else {
          await execute("cp", ["-R", `${backup}/.`, data]);
          await own(user, dir);
          if (user) await execute("chown", ["-R", `${user.uid}:${user.gid}`, data]);
        }
        await chmod(data, 0o700);
        const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", `port=${port}`];
        return {
          command: join(PROGRAMS ?? "", "postgres"),
          args: ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
          options: { ...user, cwd: "/" },
          ready: "database system is ready to accept connections",
          stopSignal: "SIGINT",
          orphaned: "kill -QUIT $1",
        };
      },
    },
    {},
  );
}

type User = Readonly<Record<"uid" | "gid", number>> | undefined;

/** Postgres does not run as root. */
async function serverUser(): Promise<User> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await execute("id", [flag, "postgres"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

async function own(user: User, ...paths: readonly string[]): Promise<void> {
  if (user) for (const path of paths) await chown(path, user.uid, user.gid);
}
