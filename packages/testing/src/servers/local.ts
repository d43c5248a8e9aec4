import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as embedded from "@dossier/embedded";
import type { LocalServer, ServerOptions } from "@dossier/embedded";
import type { Certificate } from "./certificate.ts";

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
 *
 * @param certificate makes it speak TLS alone. Default: no TLS.
 */
export function startRedis(options: ServerOptions = {}, certificate?: Certificate): Promise<LocalServer> {
  return embedded.startServer(
    {
      name: "redis",
      url: (port) => `${certificate ? "rediss" : "redis"}://127.0.0.1:${port}`,
      async prepare(dir, port) {
        const fixed = { bind: "127.0.0.1", ...listen(port, certificate), dir, save: "", appendonly: "yes" };
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

/** As `compose.production.yaml` starts it. */
const START_IN_PRODUCTION = join(import.meta.dirname, "../../../../deploy/redis/start.sh");

/** Starts a Redis with the users of production. The URL is that of the services' user. Rejects if there is no `redis-server`. */
export function startRedisOfProduction(): Promise<LocalServer> {
  return embedded.startServer(
    {
      name: "redis",
      url: (port) => `redis://dossier:${PASSWORD}@127.0.0.1:${port}`,
      async prepare(dir, port) {
        const passwordFile = join(dir, "password");
        await writeFile(passwordFile, `${PASSWORD}\n`);
        const settings = ["--bind", "127.0.0.1", "--port", String(port), "--dir", dir, "--save", ""];
        return {
          command: "env",
          args: [
            `REDIS_PASSWORD_FILE=${passwordFile}`,
            `REDIS_ACL_FILE=${join(dir, "users.acl")}`,
            START_IN_PRODUCTION,
            ...settings,
          ],
          ready: "Ready to accept connections",
          stopSignal: "SIGTERM",
          orphaned: `kill -KILL $1`,
        };
      },
    },
    {},
  );
}

/** The settings of a Redis that listens to this port, and speaks TLS if it has a certificate. */
export function listen(port: number, certificate: Certificate | undefined): Record<string, string> {
  if (!certificate) return { port: String(port) };
  return {
    port: "0",
    "tls-port": String(port),
    "tls-replication": "yes",
    "tls-cert-file": certificate.certFile,
    "tls-key-file": certificate.keyFile,
    "tls-ca-cert-file": certificate.certFile,
    "tls-auth-clients": "no",
  };
}
