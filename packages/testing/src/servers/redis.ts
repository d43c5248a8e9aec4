import { startLocal, type Kind, type LocalOptions, type LocalServer } from "@dossier/embedded";

/**
 * A Redis of one's own (`redis-server` on the PATH), with an append-only file that is flushed each second,
 * as in production: killed, it may lose what it was told in the last two seconds, unless the setting
 * `appendfsync` is `always`. Rejects where there is no `redis-server`.
 */
export function startRedis(options: LocalOptions = {}): Promise<LocalServer> {
  return startLocal(redis(options.settings), options);
}

const redis = (settings: LocalOptions["settings"]): Kind => ({
  name: "redis",
  url: (port) => `redis://127.0.0.1:${port}`,
  stopSignal: "SIGTERM",
  async prepare(dir, port) {
    const all = { bind: "127.0.0.1", port: String(port), dir, save: "", appendonly: "yes", ...settings };
    return {
      command: "redis-server",
      args: Object.entries(all).flatMap(([name, value]) => [`--${name}`, value]),
      ready: "Ready to accept connections",
      orphaned: `kill -KILL $1`,
    };
  },
});
