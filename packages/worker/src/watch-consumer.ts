import { setTimeout as delay } from "node:timers/promises";
import type { Consumer, DeliveryQueue } from "@dossier/queue";
import { outageLog, type Logger } from "@dossier/service";
import { repeatUntilShutdown } from "./repeat.ts";

/** Milliseconds between two checks whether jobs are taken. A check asks the queue one question. */
const CHECK_INTERVAL_MS = 2_000;

/**
 * Logs when the consumer stops taking jobs, and when it takes them again. Removes the limits that somebody left in the
 * queue. Resolves at shutdown.
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
  }

  // It needs time to connect.
  await delay(CHECK_INTERVAL_MS, undefined, { signal: shutdownSignal }).catch(() => undefined);
  await repeatUntilShutdown(check, CHECK_INTERVAL_MS, shutdownSignal);
}
