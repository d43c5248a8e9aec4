import { DECIDE, type Decision, type DecisionAction, type Pool } from "@dossier/store";
import type { UpdateQueue } from "./update-queue.ts";

/** What a decision did, or would do. */
export interface Decided {
  readonly decided: number;
  /** For how many of these the queue failed. */
  readonly queueMissed: number;
  /** Those of the named deliveries about which nothing could be decided; `undefined` if none were named. */
  readonly missed?: readonly string[];
}

/** Decides about named deliveries, without repetitions, in one transaction, and tells the queue. */
export type Decide = (
  action: DecisionAction,
  deliveryIds: readonly string[],
  decision: Decision,
) => Promise<Required<Decided>>;

export function createDecide(pool: Pool, updateQueue: UpdateQueue): Decide {
  return async (action, deliveryIds, decision) => {
    const named = [...new Set(deliveryIds)];
    const recorded = await DECIDE[action](pool, named, decision);
    const queueMissed = (await updateQueue(action, recorded)) ? 0 : recorded.length;
    return { decided: recorded.length, queueMissed, missed: findMissing(named, new Set(recorded)) };
  };
}

export function findMissing(
  deliveryIds: Iterable<string>,
  found: { has(deliveryId: string): boolean },
): readonly string[] {
  return [...new Set(deliveryIds)].filter((deliveryId) => !found.has(deliveryId));
}
