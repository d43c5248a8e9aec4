import { join } from "node:path";
import { openScope } from "@dossier/testing";
import { usualBodies } from "../bodies.ts";
import type { Options } from "../options.ts";
import { startPeer, withoutWaiting, type Peer, type Places } from "../peers/peer.ts";
import type { Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers } from "../servers.ts";
import { SECRET } from "../services.ts";
import { measureSettling } from "./measure.ts";
import * as ours from "./ours.ts";

const PEERS = {
  "the same transactions without a queue": "transactions.ts",
  "pg-boss, shared transactions": "pg-boss.ts",
  "pg-boss, two shared transactions at once": "pg-boss-twice.ts",
  "BullMQ, one transaction a job": "bullmq.ts",
  "graphile-worker, one transaction a job": "graphile-worker.ts",
  "Emmett, one append a webhook": "emmett.ts",
  "BullMQ, nothing to do": "bullmq-no-op.ts",
};

interface Settler {
  readonly name: string;
  readonly schema: "empty" | "ours";
  fill(places: Places, bodies: readonly Buffer[]): Promise<void>;
  start(scope: ReturnType<typeof openScope>, places: Places): Promise<Peer>;
}

/** Measures how fast one worker settles a full queue, beside peers. Each measurement has a database of its own. */
export async function run({ size }: Options): Promise<readonly Table[]> {
  await using servers = openScope();
  const { postgres, redis, createDatabase, clearRedis } = await startServers(servers);
  const settlers: Settler[] = [
    {
      name: "Dossier's worker",
      schema: "ours",
      fill: (places, bodies) => ours.fill(places, bodies, size("job")),
      start: (scope, places) => ours.start(scope, places),
    },
  ];
  for (const [name, file] of Object.entries(PEERS)) {
    const module = join(import.meta.dirname, "peers", file);
    const { fill } = (await import(module)) as Pick<Settler, "fill">;
    const schema = file === "transactions.ts" ? "ours" : "empty";
    settlers.push({ name, schema, fill, start: (scope, places) => startPeer(scope, module, places) });
  }

  const sides = settlers.map(({ name, schema, fill, start }): Side => ({
    keys: [name],
    async measure(round) {
      await using scope = openScope();
      await clearRedis();
      const databaseUrl = await createDatabase("worker", schema);
      const places = { databaseUrl, redisUrl: redis.url, secret: SECRET };
      await fill(withoutWaiting(places), usualBodies(size("deliveries"), round));
      const settler = await start(scope, places);
      const processes = { postgres: postgres.pid, redis: redis.pid };
      return await measureSettling(settler, processes, size("deliveries"), size("seconds"));
    },
  }));
  return [
    {
      title: "A full queue, settled by one process",
      keys: ["worker"],
      rows: await takeTurns(sides, size("rounds")),
      bars: ["settled/s"],
      compare: ["settled/s"],
    },
  ];
}
