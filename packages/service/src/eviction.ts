import type { Logger } from "./logger.ts";
import { outageLog } from "./outage-log.ts";
import type { Check } from "./probes.ts";

/**
 * Returns a check whether the queue keeps its jobs when its server's memory is full. It logs when that changes. It runs
 * once at the start, and then as often as readiness is asked for. If the server does not answer, nothing is known, and
 * nothing logged.
 *
 * @param findEviction returns the server's policy if it may remove jobs
 */
export function createEvictionCheck(log: Logger, findEviction: () => Promise<string | undefined>): Check {
  const eviction = outageLog(log, {
    began: { code: "queue-may-evict", message: "redis may remove jobs when its memory is full" },
    ended: { code: "queue-keeps-jobs", message: "redis keeps jobs when its memory is full" },
  });

  async function check(): Promise<void> {
    const policy = await findEviction();
    if (policy === undefined) return eviction.recordSuccess();
    const error = new Error(
      `its maxmemory-policy is ${policy}, which removes jobs when its memory is full; set it to noeviction`,
    );
    eviction.recordFailure(error);
    throw error;
  }

  void check().catch(() => undefined);
  return check;
}
