import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { freePort, type LocalServer } from "@dossier/embedded";
import { waitFor } from "../wait-for.ts";
import { cliTls, type Certificate } from "./certificate.ts";
import { startRedis } from "./local.ts";

/** How soon the nodes take a silent one for dead, in milliseconds. Redis' default is 15,000. */
const NODE_TIMEOUT_MS = 2_000;

/** A Redis Cluster for one test, which may kill and freeze its nodes. */
export interface RedisCluster {
  /** Of all nodes. */
  readonly url: string;
  readonly nodes: readonly LocalServer[];
  /** Runs `redis-cli` with these words on one node, and returns what it prints. */
  cli(node: LocalServer, ...words: readonly string[]): Promise<string>;
  /** Returns the master of the slot that this key is in, as a node says, by default the first. */
  masterOf(key: string, asked?: LocalServer): Promise<LocalServer>;
  /** Moves the slot that this key is in, with all its keys, to another master, while clients go on. */
  moveSlot(key: string, to: LocalServer): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a cluster of processes on this machine, and resolves when all of its slots are served and each replica has a copy.
 * Rejects if there is no `redis-server` or `redis-cli`.
 *
 * @param masters one, or at least three, as a smaller cluster cannot agree that a node is dead
 * @param replicasPerMaster replaces a dead master
 * @param certificate makes the nodes speak TLS alone, to clients and to each other. Default: no TLS.
 */
export async function startRedisCluster({
  masters,
  replicasPerMaster = 0,
  certificate,
}: {
  readonly masters: number;
  readonly replicasPerMaster?: number;
  readonly certificate?: Certificate;
}): Promise<RedisCluster> {
  const runCli = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)("redis-cli", [...cliTls(certificate), ...args]);
    return stdout.trim();
  };
  const cli = (node: LocalServer, ...words: readonly string[]): Promise<string> =>
    runCli("-p", String(node.port), ...words);

  await using undo = new AsyncDisposableStack();
  const nodes: LocalServer[] = [];
  for (let count = 0; count < masters * (1 + replicasPerMaster); count += 1) {
    const settings = {
      "cluster-enabled": "yes",
      "cluster-node-timeout": String(NODE_TIMEOUT_MS),
      // A replica's first copy begins at once, instead of after 5 s.
      "repl-diskless-sync-delay": "0",
      // Not the default, 10,000 above the port, which may be taken.
      "cluster-port": String(await freePort()),
      ...(certificate && { "tls-cluster": "yes" }),
    };
    const node = await startRedis({ settings }, certificate);
    undo.defer(() => node.stop());
    nodes.push(node);
  }
  const [first] = nodes;
  if (first === undefined) throw new Error("a cluster needs a node");
  if (nodes.length === 1) await cli(first, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  else {
    const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
    await runCli(
      "--cluster",
      "create",
      ...addresses,
      "--cluster-replicas",
      String(replicasPerMaster),
      "--cluster-yes",
    );
  }
  for (const node of nodes)
    await waitFor(async () => {
      const [info, list, replication] = await Promise.all([
        cli(node, "CLUSTER", "INFO"),
        cli(node, "CLUSTER", "NODES"),
        cli(node, "INFO", "replication"),
      ]);
      const replicas = list.match(/\bslave\b/g) ?? [];
      return (
        info.includes("cluster_state:ok") &&
        replicas.length === masters * replicasPerMaster &&
        // A replica without a copy takes no master's place.
        (replication.includes("role:master") || replication.includes("master_link_status:up"))
      );
    });
  const stops = undo.move();

  const masterOf = async (key: string, asked = first): Promise<LocalServer> => {
    const slot = Number(await cli(asked, "CLUSTER", "KEYSLOT", key));
    const lines = (await cli(asked, "CLUSTER", "NODES")).split("\n");
    const line = lines.find((each) => isMasterOf(each, slot));
    const node = nodes.find(({ port }) => line?.includes(`:${port}@`));
    if (node === undefined) throw new Error(`no master has the slot ${slot}:\n${lines.join("\n")}`);
    return node;
  };

  async function moveSlot(key: string, to: LocalServer): Promise<void> {
    const from = await masterOf(key, to);
    const slot = await cli(to, "CLUSTER", "KEYSLOT", key);
    const [fromId, toId] = await Promise.all([cli(from, "CLUSTER", "MYID"), cli(to, "CLUSTER", "MYID")]);
    await cli(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", fromId);
    await cli(from, "CLUSTER", "SETSLOT", slot, "MIGRATING", toId);
    for (;;) {
      const keys = (await cli(from, "CLUSTER", "GETKEYSINSLOT", slot, "10")).split("\n").filter(Boolean);
      if (keys.length === 0) break;
      await cli(from, "MIGRATE", "127.0.0.1", String(to.port), "", "0", "5000", "KEYS", ...keys);
    }
    for (const node of [to, from]) await cli(node, "CLUSTER", "SETSLOT", slot, "NODE", toId);
  }

  return {
    url: `${certificate ? "rediss" : "redis"}+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    nodes,
    cli,
    masterOf,
    moveSlot,
    stop: () => stops.disposeAsync(),
  };
}

/** Whether a line of CLUSTER NODES is of the living master that has this slot. */
function isMasterOf(line: string, slot: number): boolean {
  const [, , flags = "", , , , , , ...ranges] = line.trim().split(" ");
  return (
    /\bmaster\b/.test(flags) &&
    !flags.includes("fail") &&
    ranges.some((range) => {
      const [from, to = from] = range.split("-").map(Number);
      return from !== undefined && to !== undefined && from <= slot && slot <= to;
    })
  );
}
