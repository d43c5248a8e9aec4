import { setTimeout as delay } from "node:timers/promises";
import { watchCpu } from "../cpu.ts";
import type { Peer } from "../peers/peer.ts";

/** Each process runs this share of its deliveries, or so many ms, before it is measured, so that its code is compiled. */
const WARM_UP = { share: 0.4, ms: 10_000 };

/** Measured until this share is settled: what is counted later might have been settled for a while. */
const MEASURED = 0.9;

/** Longer if counting takes long, which takes Postgres from the worker. */
const POLL_MS = { least: 50, most: 200, timesCounting: 25 };

/** So long may a start take, on a machine that is busy with other things. */
const GIVE_UP_MS = 60_000;

/** Measures a process that settles deliveries, from its warm-up until most are settled, or for at most so many seconds. */
export async function measureSettling(
  settler: Peer,
  processes: { readonly postgres: number; readonly redis: number },
  deliveries: number,
  seconds: number,
): Promise<Readonly<Record<string, number>>> {
  await waitForCount(settler, 1, 0);
  await waitForCount(settler, WARM_UP.share * deliveries, WARM_UP.ms);
  const usedCpu = await watchCpu({ worker: settler.pid, ...processes });
  const [before, startedAt] = [await settler.settled(), performance.now()];
  const after = await waitForCount(settler, MEASURED * deliveries, seconds * 1_000);
  const took = (performance.now() - startedAt) / 1_000;
  const cpu = await usedCpu();
  // Few deliveries may all be settled in the warm-up.
  const settled = after > before ? after - before : Number.NaN;
  return {
    "settled/s": settled / took,
    "µs CPU a webhook": (cpu.worker * 1e6) / settled,
    "µs CPU, Postgres": (cpu.postgres * 1e6) / settled,
    "µs CPU, Redis": (cpu.redis * 1e6) / settled,
  };
}

/** Waits until so many deliveries are settled, or the time is over and one is. Returns how many are settled. */
async function waitForCount(settler: Peer, count: number, ms: number): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const asked = performance.now();
    const settled = await settler.settled();
    const now = performance.now();
    const waited = now - startedAt;
    if (settled >= count || (settled > 0 && waited >= ms)) return settled;
    if (waited >= GIVE_UP_MS) throw new Error(`nothing was settled in ${GIVE_UP_MS} ms`);
    await delay(Math.min(Math.max(POLL_MS.least, (now - asked) * POLL_MS.timesCounting), POLL_MS.most));
  }
}
