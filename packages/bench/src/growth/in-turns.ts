import { once } from "node:events";
import { openScope } from "@dossier/testing";
import { QueueEvents } from "bullmq";
import { watchCpu } from "../cpu.ts";
import { settleAll } from "../log.ts";
import { withoutWaiting } from "../peers/peer.ts";
import { inGroups, recordBodies } from "../record.ts";
import type { Servers } from "../servers.ts";
import { SECRET, startService } from "../services.ts";
import { LIMIT_MS } from "../wait.ts";
import { openFiller } from "../worker/ours.ts";

const WARM_UP_SHARE = 0.2;
const BATCH = 1_000;

export interface Turns {
  /** Settled beforehand. */
  readonly stored?: Iterable<Buffer>;
  readonly bodies: Iterable<Buffer>;
  /** How many bodies there are. */
  readonly count: number;
  /** How many of them wait at a time. */
  readonly waiting: number;
  readonly seconds: number;
}

/** Measures a worker that has a job of so many deliveries at a time: the next one when they are settled. */
export async function measureInTurns(
  { postgres, redis, createDatabase, clearRedis }: Servers,
  { stored = [], bodies, count, waiting, seconds }: Turns,
): Promise<Readonly<Record<string, number>>> {
  await using scope = openScope();
  await clearRedis();
  const databaseUrl = await createDatabase("growth", "ours");
  await using filler = openFiller(withoutWaiting({ databaseUrl, redisUrl: redis.url, secret: SECRET }));
  for await (const ids of recordBodies(filler.pool, stored, BATCH)) await settleAll(filler.pool, ids);
  const jobs: (readonly string[])[] = [];
  // Recorded beforehand, so that it is not measured.
  for await (const ids of recordBodies(filler.pool, bodies, BATCH)) jobs.push(...inGroups(ids, waiting));
  const queue = await filler.queue.bullmq();
  const events = new QueueEvents(queue.name, {
    connection: { url: redis.url },
    ...(queue.opts.prefix !== undefined && { prefix: queue.opts.prefix }),
  });
  scope.onTestFinished(() => events.close());
  await events.waitUntilReady();
  const { child } = await startService(scope, "worker", { databaseUrl, redisUrl: redis.url });

  const settleNext = async (most: number, ms: number) => {
    const startedAt = performance.now();
    let settled = 0;
    while (settled < most && performance.now() - startedAt < ms) {
      const ids = jobs.shift();
      if (ids === undefined) break;
      const completed = once(events, "completed", { signal: AbortSignal.timeout(LIMIT_MS) });
      await filler.queue.enqueue(ids);
      await completed;
      settled += ids.length;
    }
    return { settled, took: (performance.now() - startedAt) / 1_000 };
  };
  await settleNext(WARM_UP_SHARE * count, Number.POSITIVE_INFINITY);
  const usedCpu = await watchCpu({ worker: child.pid, postgres: postgres.pid, redis: redis.pid });
  const { settled, took } = await settleNext(count, seconds * 1_000);
  const cpu = await usedCpu();
  return {
    "settled/s": settled / took,
    "µs CPU a webhook": (cpu.worker * 1e6) / settled,
    "µs CPU, Postgres": (cpu.postgres * 1e6) / settled,
    "µs CPU, Redis": (cpu.redis * 1e6) / settled,
  };
}
