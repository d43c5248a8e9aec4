import { setTimeout as delay } from "node:timers/promises";
import { openQueue, type DeliveryQueue } from "@dossier/queue";
import { describeError } from "@dossier/service";
import { openPool, type Pool } from "@dossier/store";
import type { Stage } from "./stage.ts";
import { QUIET_WITHIN_MS } from "./times.ts";

const LOOK_EVERY_MS = 500;

/** Waits until all is settled and the queue has nothing to do: gives what is left undone after a long time. */
export async function quiet({ postgres, redis }: Stage): Promise<readonly string[]> {
  const pool = openPool(postgres.url, { name: "chaos", size: 1 });
  const queue = openQueue(
    { redisUrl: redis.url },
    { name: "chaos", timeoutMs: 5_000, onError: () => undefined },
  );
  try {
    const until = performance.now() + QUIET_WITHIN_MS;
    for (;;) {
      // Servers that are still slow have not come to rest.
      const left = await undone(pool, queue).catch((error: unknown) => describeError(error).message);
      if (left === undefined) return [];
      if (performance.now() > until) return [`${QUIET_WITHIN_MS} ms after the last fault: ${left}`];
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    await Promise.all([pool.end(), queue.close()]);
  }
}

async function undone(pool: Pool, queue: DeliveryQueue): Promise<string | undefined> {
  const { waiting, active, delayed } = await queue.counts();
  const { rows } = await pool.query<{ open: bigint }>("select count(*) as open from open_deliveries");
  const open = Number(rows[0]?.open);
  if (open + waiting + active + delayed === 0) return undefined;
  return `${open} deliveries open, ${waiting} jobs waiting, ${active} active, ${delayed} delayed`;
}
