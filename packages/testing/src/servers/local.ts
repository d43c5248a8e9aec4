import { join } from "node:path";
import * as embedded from "@dossier/embedded";
import type { LocalServer, ServerOptions } from "@dossier/embedded";

/** The superuser's password in every Postgres that is started for tests. */
export const PASSWORD = "test";

/** Kept from run to run, so that a test need not wait for `initdb`. */
const CACHE = join(import.meta.dirname, "../../node_modules/.cache/postgres");

/** Starts a Postgres for one test, which may kill, freeze and restart it. Its superuser is `postgres`. */
export function startPostgres(options: ServerOptions = {}): Promise<LocalServer> {
  return embedded.startPostgres({ ...options, password: PASSWORD, cache: CACHE });
}

/**
 * Starts a Redis for one test (`redis-server` on the PATH), with an append-only file that is flushed each second, as
 * in production: killed, it may lose the writes of the last two seconds, unless the setting `appendfsync` is `always`.
 * Rejects if there is no `redis-server`.
 */
export function startRedis(options: ServerOptions = {}): Promise<LocalServer> {
  return embedded.startServer(
    {
      name: "redis",
      url: (port) => `redis://127.0.0.1:${port}`,
      async prepare(dir, port) {
        const fixed = { bind: "127.0.0.1", port: String(port), dir, save: "", appendonly: "yes" };
        const settings = Object.entries({ ...fixed, ...options.settings });
        return {
          command: "redis-server",
          args: settings.flatMap(([name, value]) => [`--${name}`, value]),
          ready: "Ready to accept connections",
          stopSignal: "SIGTERM",
          orphaned: `kill -KILL $1`,
        };
      },
    },
    options,
  );
}
