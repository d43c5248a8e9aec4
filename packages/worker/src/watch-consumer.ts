import { setTimeout as delay } from "node:timers/promises";
import { EvictionError, type Consumer, type DeliveryQueue } from "@dossier/queue";
import { outageLog, type Logger } from "@dossier/service";
import { repeatUntilShutdown } from "./repeat.ts";

/** Milliseconds between two checks whether jobs are taken. A check asks the queue one question. */
const CHECK_INTERVAL_MS = 2_000;

/**
 * Logs when the consumer stops taking jobs, when it takes them again, and if the queue may lose jobs. Removes the limits
 * that somebody left in the queue. Resolves at shutdown.
 */
export async function watchConsumer(
  consumer: Consumer,
  queue: DeliveryQueue,
  log: Logger,
  shutdownSignal: AbortSignal,
): Promise<void> {
  const outage = outageLog(log, {
    began: { code: "consuming-stopped", message: "worker takes no jobs; waiting for the queue" },
    ended: { code: "consuming-resumed", message: "worker takes jobs again" },
  });
  const eviction = outageLog(log, {
    began: { code: "queue-may-evict", message: "redis may remove jobs when its memory is full" },
    ended: { code: "queue-keeps-jobs", message: "redis keeps jobs when its memory is full" },
  });

  async function check(): Promise<void> {
    const error = await consumer.checkReady().catch((reason: unknown) => reason);
    // A worker that shuts down takes no jobs either, which is no outage.
    if (shutdownSignal.aborted) return;
    if (error === undefined) outage.recordSuccess();
    else outage.recordFailure(error);
    // If the queue is unavailable, `checkReady` says so.
    const limits = await queue.removeLimits().catch(() => []);
    if (limits.length > 0)
      log.warn({ code: "queue-limits-removed", limits }, "the queue was limited; limits removed");
    await queue.checkEviction().then(eviction.recordSuccess, (reason: unknown) => {
      if (reason instanceof EvictionError) eviction.recordFailure(reason);
    });
  }

  // It needs time to connect.
  await delay(CHECK_INTERVAL_MS, undefined, { signal: shutdownSignal }).catch(() => undefined);
  await repeatUntilShutdown(check, CHECK_INTERVAL_MS, shutdownSignal);
}
