// How much CPU time one ingest needs for a webhook, and how many it accepts per second, beside the limit of what its parts
// allow (limit.ts). Each server and the client is a process of its own; the servers take turns on one Postgres with its
// defaults (fsync on) and one Redis. A rate depends on what else runs on the machine, CPU time hardly.
//
//   node bootstrap.mjs node packages/ingest/bench/webhooks.ts --webhooks 20000 --connections 64 --rounds 5
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { migrateQueue } from "@dossier/queue";
import { migrate } from "@dossier/store";
import { startRedis } from "@dossier/testing";
import type { Load, Measurement } from "./load.ts";

/** What a server gets. */
export interface Places {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly secret: string;
}

/** Starts a server, and returns its port. */
export type Server = (places: Places) => Promise<number>;

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";

const { values } = parseArgs({
  options: {
    webhooks: { type: "string", default: "20000" },
    connections: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    // Modules that export a `Server`; one of another working tree compares two versions.
    servers: { type: "string", default: "./ingest.ts,./limit.ts" },
  },
});
const webhooks = Number(values.webhooks);
const connections = Number(values.connections);

const [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
try {
  await migrate(postgres.url);
  await migrateQueue(postgres.url);
  await run(values.servers.split(","));
} finally {
  await Promise.all([postgres.stop(), redis.stop()]);
}

async function run(names: readonly string[]): Promise<void> {
  const servers = await Promise.all(names.map(startServer));
  const measured = Map.groupBy(await runRounds(servers), ({ name }) => name);
  for (const [name, rounds] of measured) {
    const cpu = rounds.map(({ cpuMicros }) => cpuMicros).toSorted((a, b) => a - b);
    const show = (numbers: readonly number[], digits = 0) => median(numbers).toFixed(digits);
    print(
      `${name}: ${show(cpu)} µs CPU a webhook (${cpu[0]?.toFixed(0)} to ${cpu.at(-1)?.toFixed(0)}), ` +
        `${show(rounds.map(({ seconds }) => webhooks / seconds))} webhooks/s, ` +
        `p50 ${show(
          rounds.map(({ p50 }) => p50),
          1,
        )} ms, p99 ${show(
          rounds.map(({ p99 }) => p99),
          1,
        )} ms, ` +
        `${rounds.reduce((sum, { refused }) => sum + refused, 0)} refused`,
    );
  }
}

interface RunningServer {
  readonly name: string;
  readonly process: ChildProcess;
  readonly port: number;
}

async function startServer(name: string): Promise<RunningServer> {
  const places: Places = { postgresUrl: postgres.url, redisUrl: redis.url, secret: SECRET };
  const child = fork(fileURLToPath(new URL("server.ts", import.meta.url)), [name, JSON.stringify(places)]);
  return { name, process: child, port: await receive<number>(child) };
}

/** The first round warms up. */
async function runRounds(
  servers: readonly RunningServer[],
): Promise<(Measurement & { name: string; cpuMicros: number })[]> {
  const measured = [];
  for (let round = 0; round <= Number(values.rounds); round++)
    for (const { name, process: server, port } of servers) {
      const before = await cpuOf(server);
      const measurement = await load({ port, secret: SECRET, connections, webhooks, seed: round });
      const cpuMicros = ((await cpuOf(server)) - before) / webhooks;
      if (round > 0) measured.push({ name, cpuMicros, ...measurement });
    }
  for (const { process: server } of servers) server.disconnect();
  return measured;
}

async function load(options: Load): Promise<Measurement> {
  return receive<Measurement>(
    fork(fileURLToPath(new URL("load.ts", import.meta.url)), [JSON.stringify(options)]),
  );
}

/** Microseconds. */
async function cpuOf(server: ChildProcess): Promise<number> {
  server.send("cpu");
  return receive<number>(server);
}

async function receive<T>(child: ChildProcess): Promise<T> {
  const exited = once(child, "exit").then(() => Promise.reject(new Error("a process ended early")));
  const [message] = (await Promise.race([once(child, "message"), exited])) as [T];
  return message;
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
