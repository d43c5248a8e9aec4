import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as embedded from "@dossier/embedded";
import type { LocalServer } from "@dossier/embedded";
import { waitFor } from "../wait-for.ts";
import { cliTls, type Certificate } from "./certificate.ts";
import { listen, startRedis } from "./local.ts";

/** How soon Sentinels take a silent master for dead, in milliseconds. Redis' default is 30,000. */
const DOWN_AFTER_MS = 2_000;

/** The name that the Sentinels have for the master. */
const MASTER = "main";

/** A Redis master with a replica, and Sentinels that put the replica in the master's place if that is killed. */
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
  /** Makes all of them speak TLS alone. Default: no TLS. */
  readonly certificate?: Certificate;
}

/** Starts them on this machine. Rejects if there is no `redis-server` or `redis-cli`. */
export async function startRedisSentinels({
  count,
  password,
  sentinelPassword,
  certificate,
}: SentinelOptions): Promise<RedisSentinels> {
  const login = sentinelPassword === undefined ? [] : ["--no-auth-warning", "-a", sentinelPassword];
  const cli = async (port: number, ...words: readonly string[]): Promise<string> => {
    const options = [...cliTls(certificate), ...login, "-p", String(port)];
    const { stdout } = await promisify(execFile)("redis-cli", [...options, ...words]);
    return stdout;
  };
  await using undo = new AsyncDisposableStack();
  const own = password === undefined ? {} : { requirepass: password, masterauth: password };
  const master = await startRedis({ settings: own }, certificate);
  undo.defer(() => master.stop());
  const replica = await startRedis(
    { settings: { ...own, replicaof: `127.0.0.1 ${master.port}` } },
    certificate,
  );
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
    const sentinel = await startSentinel(lines, certificate);
    undo.defer(() => sentinel.stop());
    sentinels.push(sentinel);
  }
  for (const { port } of sentinels)
    // Before, a Sentinel could not agree with the others, or would not know the replica.
    await waitFor(async () => {
      const [quorum, replicas] = await Promise.all([
        cli(port, "SENTINEL", "CKQUORUM", MASTER),
        cli(port, "SENTINEL", "REPLICAS", MASTER),
      ]);
      return quorum.startsWith("OK") && replicas.includes(`:${replica.port}`);
    });
  const stops = undo.move();
  const user = password === undefined ? "" : `:${encodeURIComponent(password)}@`;
  const query =
    sentinelPassword === undefined ? "" : `?sentinelPassword=${encodeURIComponent(sentinelPassword)}`;
  return {
    url: `${certificate ? "rediss" : "redis"}+sentinel://${user}${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(",")}/${MASTER}${query}`,
    master,
    replica,
    sentinels,
    stop: () => stops.disposeAsync(),
  };
}

function startSentinel(lines: readonly string[], certificate: Certificate | undefined): Promise<LocalServer> {
  return embedded.startServer(
    {
      name: "sentinel",
      url: (port) => `redis://127.0.0.1:${port}`,
      async prepare(dir, port) {
        // A Sentinel keeps what it knows in its configuration file.
        const file = join(dir, "sentinel.conf");
        const own = Object.entries({ ...listen(port, certificate), dir });
        await writeFile(file, [...lines, ...own.map((setting) => setting.join(" ")), ""].join("\n"));
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
