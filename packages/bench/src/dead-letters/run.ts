import type { DeliveryQueue } from "@dossier/queue";
import { countDeadLetters, createToken, openPool, type Pool } from "@dossier/store";
import { openScope, type Scope } from "@dossier/testing";
import { Redis } from "ioredis";
import { mixedBodies, poisonAlone } from "../bodies.ts";
import { readAlone, type PageAlone } from "../console/alone.ts";
import type { PageVisit } from "../console/pages.ts";
import { cpuSeconds } from "../cpu.ts";
import { usedMemory } from "../memory.ts";
import type { DataOptions } from "../options.ts";
import { withoutWaiting } from "../peers/peer.ts";
import { formatNumber, type Row, type Table } from "../result.ts";
import { takeTurns, type Side } from "../rounds.ts";
import { loginOn, startServers, type Servers } from "../servers.ts";
import { SECRET, startService } from "../services.ts";
import { quantile } from "../statistics.ts";
import { waitUntil } from "../wait.ts";
import { measureSettling } from "../worker/measure.ts";
import * as ours from "../worker/ours.ts";
import { startDeadLetters } from "./seed.ts";

const JOB = 40;
const MEBIBYTE = 1024 ** 2;

const PAGES: readonly PageVisit[] = [
  { name: "worklist", path: "/" },
  { name: "dead letters", path: "/dead-letters" },
  { name: "dead letters, unparsable", path: "/dead-letters?reason=unparsable" },
  { name: "deliveries", path: "/deliveries" },
  { name: "queue", path: "/queue" },
];

/** Measures settling, pages and Redis' memory with few and many dead letters in all. */
export async function run({ data, size, sizes }: DataOptions): Promise<readonly Table[]> {
  const settled: Row[] = [];
  const pages: Row[] = [];
  const count = size("deliveries");
  for (const total of sizes("letters")) {
    await using scope = openScope();
    const servers = await startServers(scope, await startDeadLetters(scope, data, total));
    const queues = {
      "1 % dead letters": () => mixedBodies(count, { deadLetters: true }),
      "dead letters alone": () => poisonAlone(count),
    };
    // First, as the queues add dead letters.
    process.stderr.write(`${total} dead letters: pages\n`);
    pages.push(...(await readPages(scope, servers, total, size("visits"))));
    const sides = Object.entries(queues).map(([queue, bodies]): Side => ({
      keys: [formatNumber(total), queue],
      measure: () => settle(servers, bodies(), count, size("seconds")),
    }));
    settled.push(...(await takeTurns(sides, size("rounds"))));
  }
  return [
    {
      title: "A full queue, settled by one worker",
      keys: ["dead letters before", "queue"],
      rows: settled,
      bars: ["µs CPU a webhook"],
    },
    { title: "Pages, of one reader", keys: ["dead letters before", "page"], rows: pages },
  ];
}

/** Settles all, so that Redis has all failed jobs that it keeps. */
async function settle(
  { postgres, redis, clearRedis }: Servers,
  bodies: Iterable<Buffer>,
  count: number,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  await using scope = openScope();
  await clearRedis();
  const client = new Redis(redis.url);
  scope.onTestFinished(() => client.quit());
  const places = { databaseUrl: postgres.url, redisUrl: redis.url, secret: SECRET };
  const before = await usedMemory(client);
  await ours.fill(withoutWaiting(places), bodies, JOB);
  const worker = await ours.start(scope, places);
  const processes = { postgres: postgres.pid, redis: redis.pid };
  const measured = await measureSettling(worker, processes, count, seconds);
  await using filler = ours.openFiller(places);
  const failed = await waitUntilIdle(filler.queue);
  return {
    ...measured,
    "failed jobs in Redis": failed,
    "MiB in Redis": ((await usedMemory(client)) - before) / MEBIBYTE,
  };
}

/** Waits until all jobs have ended. Returns how many of them failed. */
async function waitUntilIdle(queue: DeliveryQueue): Promise<number> {
  let failed = 0;
  await waitUntil("all jobs ended", async () => {
    const counts = await queue.counts();
    failed = counts.failed;
    return counts.waiting + counts.active + counts.delayed === 0;
  });
  return failed;
}

async function readPages(
  scope: Scope,
  { postgres, redis }: Servers,
  total: number,
  visits: number,
): Promise<readonly Row[]> {
  const pool = openPool(postgres.url, { name: "bench", size: 1, timeoutMs: 60_000 });
  scope.onTestFinished(() => pool.end());
  const { token } = await createToken(pool, {
    name: `Reader ${Date.now()}`,
    role: "admin",
    isService: false,
  });
  const { child, port } = await startService(scope, "console", {
    databaseUrl: loginOn(postgres.url, "console"),
    redisUrl: redis.url,
  });
  const pages = await readAlone({
    url: `http://127.0.0.1:${port}`,
    token,
    rounds: Array.from({ length: visits + 1 }, () => PAGES),
    pids: { console: child.pid, Postgres: postgres.pid },
  });
  return [...pages, await countExactly(pool, postgres.pid, visits)].map(({ name, times, cpu }) => ({
    keys: [formatNumber(total), name],
    figures: {
      "p50 ms": [quantile(times, 0.5)],
      "max ms": [quantile(times, 1)],
      "ms CPU, console": [cpu[0] ?? Number.NaN],
      "ms CPU, Postgres": [cpu[1] ?? Number.NaN],
    },
  }));
}

/** The count that a worker's metrics and `dossier status` have. */
async function countExactly(pool: Pool, pid: number, visits: number): Promise<PageAlone> {
  const times: number[] = [];
  const before = await cpuSeconds(pid);
  for (let visit = 0; visit < visits; visit++) {
    const startedAt = performance.now();
    await countDeadLetters(pool, {});
    times.push(performance.now() - startedAt);
  }
  const cpu = [Number.NaN, (((await cpuSeconds(pid)) - before) * 1_000) / visits];
  return { name: "exact count by reason", times, cpu };
}
