import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Calls `work` again and again, `intervalMs` milliseconds after it last ended, or at once if it returned `"again"`.
 * Resolves at shutdown, and does not wait for a call that is running: it may wait for a server.
 *
 * @param work must not reject
 */
export async function repeatUntilShutdown(
  work: () => Promise<"again" | void>,
  intervalMs: number,
  shutdownSignal: AbortSignal,
): Promise<void> {
  const shutdown = shutdownSignal.aborted ? Promise.resolve() : once(shutdownSignal, "abort");
  while (!shutdownSignal.aborted) {
    const next = await Promise.race([work(), shutdown]);
    if (next !== "again")
      await delay(intervalMs, undefined, { signal: shutdownSignal }).catch(() => undefined);
  }
}
