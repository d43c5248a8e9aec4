import { setTimeout as delay } from "node:timers/promises";
import { openQueue } from "@dossier/queue";
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
      const { waiting, active } = await queue.counts();
      const open = await openDeliveries(pool);
      if (open + waiting + active === 0) return [];
      if (performance.now() > until) {
        return [
          `${QUIET_WITHIN_MS} ms after the last fault: ${open} deliveries open, ${waiting} jobs waiting, ${active} active`,
        ];
      }
      await delay(LOOK_EVERY_MS);
    }
  } finally {
    await Promise.all([pool.end(), queue.close()]);
  }
}

async function openDeliveries(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ open: bigint }>("select count(*) as open from open_deliveries");
  return Number(rows[0]?.open);
}
