import { stalled, type Outcome, type Outcomes } from "@dossier/events";
import { version } from "@dossier/service";
import { countStall, deadLetter } from "@dossier/store";
import pLimit from "p-limit";
import { settleBatch, type BatchOptions } from "./settle-batch.ts";

export interface AloneOptions extends BatchOptions {
  /** How often a delivery may stall before it is dead-lettered. Fewer protect the workers; more protect the deliveries. */
  readonly maxStalls: number;
}

/**
 * Returns a function that settles one delivery of a job that stalled, and returns its outcome. This worker settles such
 * deliveries one after the other, and before each one commits to Postgres that it may stall. So a delivery that stops its
 * worker is the only one that is counted, and the queue's own counter decides nothing.
 */
export function createAloneSettler(options: AloneOptions): (deliveryId: string) => Promise<Outcomes> {
  const { pool, outagePause, maxStalls } = options;
  const oneAtATime = pLimit(1);

  async function settleAlone(deliveryId: string): Promise<Outcomes> {
    const stalls = await outagePause.run(() => countStall(pool, deliveryId));
    if (stalls === undefined || stalls <= maxStalls) return settleBatch([deliveryId], options);
    return new Map([[deliveryId, await deadLetterStalled(deliveryId)]]);
  }

  /** Does not read the delivery, which may be what stops the workers. */
  async function deadLetterStalled(deliveryId: string): Promise<Outcome> {
    const wasOpen = await outagePause.run(() => deadLetter(pool, deliveryId, stalled(), version));
    return wasOpen ? { kind: "dead-lettered", deadLetter: stalled() } : { kind: "not-open" };
  }

  return (deliveryId) => oneAtATime(settleAlone, deliveryId);
}
