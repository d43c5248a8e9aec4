import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "../database/pool.ts";
import { assignPositions, lastPosition } from "./positions.ts";

export interface ChangeWatch {
  /**
   * Waits until the feed goes beyond a position: `true`; or until the signal is aborted: `false`. Throws what
   * Postgres throws.
   */
  beyond(position: bigint, signal: AbortSignal): Promise<boolean>;
}

/**
 * Lets any number of readers wait for changes at the cost of one: those who wait share one question to Postgres at a
 * time. They ask, and are not told: `notify` would make every writer's commit wait for the others'.
 *
 * @param everyMs milliseconds between two questions: how late a reader may learn of a change, or notice that it is
 *   to stop. Default 250
 */
export function watchChanges(pool: Pool, { everyMs = 250 }: { readonly everyMs?: number } = {}): ChangeWatch {
  let looking: Promise<bigint> | undefined;

  async function look(): Promise<bigint> {
    try {
      await sleep(everyMs);
      await assignPositions(pool);
      return await lastPosition(pool);
    } finally {
      looking = undefined;
    }
  }

  return {
    async beyond(position, signal) {
      while (!signal.aborted) {
        looking ??= look();
        if ((await looking) > position) return true;
      }
      return false;
    },
  };
}
