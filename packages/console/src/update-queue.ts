import type { DeliveryQueue } from "@dossier/queue";
import type { Logger } from "@dossier/service";
import type { DecisionAction } from "@dossier/store";

/** Tells the queue what was decided about deliveries. Returns whether it took all of them. */
export type UpdateQueue = (action: DecisionAction, deliveryIds: readonly string[]) => Promise<boolean>;

/** A decision that is recorded holds even if the queue fails. */
export function createQueueUpdate(queue: DeliveryQueue, log: Logger): UpdateQueue {
  const updates = {
    redrive: {
      run: queue.replaceSingles,
      code: "redriven-not-enqueued",
      message: "redriven deliveries not enqueued; the sweeper will enqueue them",
    },
    discard: {
      run: queue.remove,
      code: "discarded-jobs-left",
      message: "jobs of discarded deliveries not removed; they have no effect",
    },
    // A failed job was removed by the discard, and does not come back.
    restore: undefined,
  };
  return async (action, deliveryIds) => {
    const update = updates[action];
    if (update === undefined || deliveryIds.length === 0) return true;
    try {
      await update.run(deliveryIds);
      return true;
    } catch (err) {
      log.warn({ code: update.code, err, deliveries: deliveryIds.length }, update.message);
      return false;
    }
  };
}
