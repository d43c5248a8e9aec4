import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { scenario } from "@dossier/simulator";
import { openScope } from "@dossier/testing";
import { watchCpu } from "../cpu.ts";
import type { Options } from "../options.ts";
import { startPeer, type Peer, type Places } from "../peers/peer.ts";
import type { Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { startServers } from "../servers.ts";
import { SECRET } from "../services.ts";
import * as ours from "./ours.ts";

const PEERS = {
  "the same transactions without a queue": "transactions.ts",
  "pg-boss, shared transactions": "pg-boss.ts",
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

/** Each process runs this share of its deliveries, or so many ms, before it is measured. */
const WARM_UP = { share: 0.2, ms: 1_500 };

const POLL_MS = 50;

/** Measures how fast one worker settles a full queue, beside peers. Each measurement has a database of its own. */
export async function run({ size }: Options): Promise<readonly Table[]> {
  await using servers = openScope();
  const { postgres, redis, createDatabase, clearRedis } = await startServers(servers);
  const settlers: Settler[] = [
    {
      name: "Dossier's worker",
      schema: "ours",
      fill: (places, bodies) => ours.fill(places, bodies, size("job")),
      start: ours.start,
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
      await fill(withoutWaiting(places), createBodies(size("deliveries"), round));
      const settler = await start(scope, places);
      const all = size("deliveries");
      await waitUntilSettled(settler, WARM_UP.share * all, WARM_UP.ms);
      const usedCpu = await watchCpu({ worker: settler.pid, postgres: postgres.pid, redis: redis.pid });
      const [before, startedAt] = [await settler.settled(), performance.now()];
      const after = await waitUntilSettled(settler, all, size("seconds") * 1_000);
      if (after === 0) throw new Error(`${name} has settled nothing`);
      const settled = after > before ? after - before : Number.NaN;
      const seconds = (performance.now() - startedAt) / 1_000;
      const cpu = await usedCpu();
      return {
        "settled/s": settled / seconds,
        "µs CPU a webhook": (cpu.worker * 1e6) / settled,
        "µs CPU, Postgres": (cpu.postgres * 1e6) / settled,
        "µs CPU, Redis": (cpu.redis * 1e6) / settled,
      };
    },
  }));
  return [
    {
      title: "A full queue, settled by one process",
      keys: ["worker"],
      rows: await takeTurns(sides, size("rounds")),
    },
  ];
}

/** The places, for filling them: its commits need not reach the disk. */
function withoutWaiting({ databaseUrl, ...others }: Places): Places {
  return { ...others, databaseUrl: `${databaseUrl}?options=-c%20synchronous_commit%3Doff` };
}

/** Of persons of their own in each round. */
function createBodies(count: number, seed: number): readonly Buffer[] {
  const { webhooks } = scenario({ persons: count, seed, duplicates: 0.1, shuffle: 0.1 });
  return Iterator.from(webhooks)
    .take(count)
    .map(({ body }) => body)
    .toArray();
}

/** Waits until so many deliveries are settled, or the time is over. Returns how many are settled. */
async function waitUntilSettled(settler: Peer, count: number, ms: number): Promise<number> {
  const endsAt = performance.now() + ms;
  for (;;) {
    const settled = await settler.settled();
    if (settled >= count || performance.now() >= endsAt) return settled;
    await delay(POLL_MS);
  }
}
