import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as embedded from "@dossier/embedded";
import type { LocalServer } from "@dossier/embedded";
import { waitFor } from "../wait-for.ts";
import { startRedis } from "./local.ts";

/** How soon Sentinels take a silent master for dead, in milliseconds. Redis' default is 30,000. */
const DOWN_AFTER_MS = 2_000;

/** The name that the Sentinels have for the master. */
const MASTER = "main";

/** A Redis master with a replica, and Sentinels that put the replica in the master's place if that dies. */
export interface RedisSentinels {
  readonly url: string;
  readonly master: LocalServer;
  readonly replica: LocalServer;
  readonly sentinels: readonly LocalServer[];
  stop(): Promise<void>;
}

export interface SentinelOptions {
  readonly count: number;
  /** Asked of the clients of the Sentinels. Default: none. */
  readonly sentinelPassword?: string;
  /** Asked of the clients of the master and the replica. Default: none. */
  readonly password?: string;
}

/** Starts them on this machine. Rejects if there is no `redis-server` or `redis-cli`. */
export async function startRedisSentinels({
  count,
  password,
  sentinelPassword,
}: SentinelOptions): Promise<RedisSentinels> {
  await using undo = new AsyncDisposableStack();
  const own = password === undefined ? {} : { requirepass: password, masterauth: password };
  const master = await startRedis({ settings: own });
  undo.defer(() => master.stop());
  const replica = await startRedis({ settings: { ...own, replicaof: `127.0.0.1 ${master.port}` } });
  undo.defer(() => replica.stop());
  const lines = [
    "bind 127.0.0.1",
    `sentinel monitor ${MASTER} 127.0.0.1 ${master.port} ${Math.floor(count / 2) + 1}`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} 10000`,
    ...(password === undefined ? [] : [`sentinel auth-pass ${MASTER} ${password}`]),
    ...(sentinelPassword === undefined ? [] : [`requirepass ${sentinelPassword}`]),
  ];
  const sentinels: LocalServer[] = [];
  for (let index = 0; index < count; index += 1) {
    const sentinel = await startSentinel(lines);
    undo.defer(() => sentinel.stop());
    sentinels.push(sentinel);
  }
  for (const { port } of sentinels)
    // Before, a Sentinel could not agree with the others, or would not know the replica.
    await waitFor(async () => {
      const [quorum, replicas] = await Promise.all([
        cli(port, sentinelPassword, "SENTINEL", "CKQUORUM", MASTER),
        cli(port, sentinelPassword, "SENTINEL", "REPLICAS", MASTER),
      ]);
      return quorum.startsWith("OK") && replicas.includes(`:${replica.port}`);
    });
  const stops = undo.move();
  const login = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  const query =
    sentinelPassword === undefined ? "" : `?sentinelPassword=${encodeURIComponent(sentinelPassword)}`;
  return {
    url: `redis+sentinel://${login}${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER}${query}`,
    master,
    replica,
    sentinels,
    stop: () => stops.disposeAsync(),
  };
}

async function cli(port: number, password = "", ...words: readonly string[]): Promise<string> {
  const login = password === "" ? [] : ["--no-auth-warning", "-a", password];
  const { stdout } = await promisify(execFile)("redis-cli", [...login, "-p", String(port), ...words]);
  return stdout;
}

function startSentinel(lines: readonly string[]): Promise<LocalServer> {
  return embedded.startServer(
    {
      name: "sentinel",
      url: (port) => `redis://127.0.0.1:${port}`,
      async prepare(dir, port) {
        // A Sentinel keeps what it knows in its configuration file.
        const file = join(dir, "sentinel.conf");
        await writeFile(file, [...lines, `port ${port}`, `dir ${dir}`, ""].join("\n"));
        return {
          command: "redis-server",
          args: [file, "--sentinel"],
          ready: "+monitor master",
          stopSignal: "SIGTERM",
          orphaned: `kill -KILL $1`,
        };
      },
    },
    {},
  );
}
