import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { outageLog, type Logger } from "@dossier/service";
import {
  decideNextBatch,
  isOutage,
  isRetryable,
  recordQueueMissed,
  releaseBulkActions,
  type DecidedBatch,
  type Pool,
} from "@dossier/store";
import type { UpdateQueue } from "./update-queue.ts";

/** How often it looks for actions that another console confirmed and lost. */
const INTERVAL_MS = 5_000;

/** Carries out bulk actions in the background, one after the other, as they were confirmed. */
export interface BulkRunner {
  start(): void;
  /** Has it look for a confirmed action at once. */
  wake(): void;
  /** Resolves after the batch at hand. Another console, or this one's next start, goes on with the action. */
  stop(): Promise<void>;
}

export function createBulkRunner({
  pool,
  updateQueue,
  log,
}: {
  readonly pool: Pool;
  readonly updateQueue: UpdateQueue;
  readonly log: Logger;
}): BulkRunner {
  const holder = randomUUID();
  const outage = outageLog(log, {
    began: { code: "bulk-actions-failed", message: "bulk actions failed; retrying" },
    ended: { code: "bulk-actions-recovered", message: "bulk actions succeed again" },
  });
  let running = Promise.resolve();
  let stopped = false;
  let holdsAction = false;
  /** What the queue did not take, and the record does not say yet. */
  let missed: DecidedBatch | undefined;
  let pause = new AbortController();

  async function run(): Promise<void> {
    while (!stopped) {
      // Before the batch, so that a confirmation that comes meanwhile is not overlooked.
      pause = new AbortController();
      if (await tryBatch()) continue;
      await delay(INTERVAL_MS, undefined, { signal: pause.signal }).catch(() => undefined);
    }
    if (holdsAction) await releaseBulkActions(pool, holder).catch(() => undefined);
  }

  /** Returns whether there may be more to do at once. */
  async function tryBatch(): Promise<boolean> {
    try {
      holdsAction = await decideBatch();
      outage.recordSuccess();
      return holdsAction;
    } catch (error) {
      if (isRetryable(error) && !isOutage(error)) return true;
      outage.recordFailure(error);
      return false;
    }
  }

  /** Returns whether an action was there. */
  async function decideBatch(): Promise<boolean> {
    if (missed) await recordQueueMissed(pool, missed);
    missed = undefined;
    const batch = await decideNextBatch(pool, holder);
    if (batch === undefined) return false;
    const { bulkActionId, error: err } = batch;
    if (err !== undefined) {
      log.error(
        { code: "bulk-action-failed", bulkActionId, unexpected: err },
        "bulk action failed; others go on",
      );
      return true;
    }
    const deliveryIds = batch.decided.map(({ deliveryId }) => deliveryId);
    if (!(await updateQueue(batch.action, deliveryIds))) missed = batch;
    return true;
  }

  return {
    start() {
      running = run();
    },
    wake: () => pause.abort(),
    async stop() {
      stopped = true;
      pause.abort();
      await running;
    },
  };
}
