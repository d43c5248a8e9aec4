import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { startChild } from "../child.ts";
import { watchCpu } from "../cpu.ts";
import type { Load, Measured } from "../load.ts";
import type { Options } from "../options.ts";
import { startPeer } from "../peers/peer.ts";
import { formatNumber, type Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers } from "../servers.ts";
import { SECRET, startService } from "../services.ts";

const PEERS = {
  "Hono, signature, group commit, one job a commit": "group-commit-and-job.ts",
  "Hono, signature, group commit": "group-commit.ts",
  "Hono alone, stores nothing": "hono.ts",
  "Fastify, one transaction a request": "fastify.ts",
  "Express, one transaction a request": "express.ts",
};

/** Sent again and again: ingest records each delivery, whatever is in it. */
const DIFFERENT_WEBHOOKS = 5_000;

/** Measures how many webhooks one ingest accepts, and what one costs, beside peers that do less. */
export async function run(options: Options): Promise<readonly Table[]> {
  await using scope = openScope();
  const { postgres, redis, createDatabase } = await startServers(scope);
  const load = startChild(scope, join(import.meta.dirname, "../load.ts"));

  const ours = await startService(scope, "ingest", {
    databaseUrl: await createDatabase("dossier", "ours"),
    redisUrl: redis.url,
  });
  const servers = [{ name: "Dossier's ingest", pid: ours.child.pid, port: ours.port }];
  for (const [name, file] of Object.entries(PEERS)) {
    const places = {
      databaseUrl: await createDatabase(file, "empty"),
      redisUrl: redis.url,
      secret: SECRET,
    };
    servers.push({ name, ...(await startPeer(scope, join(import.meta.dirname, "peers", file), places)) });
  }

  const send = (port: number, connections: number, seconds: number) =>
    load.call<Measured>({
      port,
      connections,
      seconds,
      webhooks: DIFFERENT_WEBHOOKS,
      seed: 1,
      again: true,
    } satisfies Load);
  for (const connections of options.sizes("connections"))
    for (const { port } of servers) await send(port, connections, options.size("warm"));

  const sides = options.sizes("connections").flatMap((connections) =>
    servers.map(({ name, pid, port }): Side => ({
      keys: [name, formatNumber(connections)],
      async measure() {
        const usedCpu = await watchCpu({ server: pid, postgres: postgres.pid });
        const measured = await send(port, connections, options.size("seconds"));
        const { server, postgres: database } = await usedCpu();
        if (measured.refused > 0) throw new Error(`${name} refused ${measured.refused} webhooks`);
        return {
          "webhooks/s": measured.webhooks / measured.seconds,
          "µs CPU a webhook": (server * 1e6) / measured.webhooks,
          "µs CPU, Postgres": (database * 1e6) / measured.webhooks,
          "p50 ms": measured.p50,
          "p99 ms": measured.p99,
        };
      },
    })),
  );
  const rows = await takeTurns(sides, options.size("rounds"));
  return [
    {
      title: "Webhooks accepted by one process",
      keys: ["server", "connections"],
      rows,
      bars: ["webhooks/s"],
      compare: ["webhooks/s", "µs CPU a webhook"],
    },
  ];
}
