import { chown, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer, type LocalServer } from "@dossier/embedded";

export interface PgBouncerOptions {
  /** The Postgres behind it. */
  readonly postgresPort: number;
  readonly mode: "session" | "transaction" | "statement";
  /** The passwords of the logins that it lets in. */
  readonly passwords: Readonly<Record<string, string>>;
  /** Default: any free one. */
  readonly port?: number;
}

/** PgBouncer does not run as root. */
const NOBODY = 65_534;

/** Starts a PgBouncer of this machine with its own defaults. Rejects if it is not installed. */
export function startPgBouncer({
  postgresPort,
  mode,
  passwords,
  port,
}: PgBouncerOptions): Promise<LocalServer> {
  return startServer(
    {
      name: "pgbouncer",
      url: (port) => `postgres://127.0.0.1:${port}/postgres`,
      async prepare(dir, port) {
        const [config, users] = [join(dir, "pgbouncer.ini"), join(dir, "users.txt")];
        const lines = [
          "[databases]",
          `* = host=127.0.0.1 port=${postgresPort}`,
          "[pgbouncer]",
          "listen_addr = 127.0.0.1",
          `listen_port = ${port}`,
          "unix_socket_dir =",
          "auth_type = scram-sha-256",
          `auth_file = ${users}`,
          `pool_mode = ${mode}`,
        ];
        await writeFile(config, lines.join("\n"));
        const quoted = Object.entries(passwords).map(([user, password]) => `"${user}" "${password}"`);
        await writeFile(users, quoted.join("\n"));
        const isRoot = process.getuid?.() === 0;
        if (isRoot) for (const path of [dir, config, users]) await chown(path, NOBODY, NOBODY);
        return {
          command: "pgbouncer",
          args: [config],
          ...(isRoot && { options: { uid: NOBODY, gid: NOBODY, cwd: dir } }),
          ready: "process up",
          stopSignal: "SIGTERM",
          orphaned: "kill -KILL $1",
        };
      },
    },
    port === undefined ? {} : { port },
  );
}
