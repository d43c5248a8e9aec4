import type { Decision } from "@dossier/store";
import type { Context } from "hono";
import type { ApiEnv } from "../auth.ts";
import type { Batches } from "./dry-run.ts";

/** Returns the decision of a request that is no dry run. */
export function createDecision(c: Context<ApiEnv>, reason: string | undefined): Decision {
  if (reason === undefined) throw new Error("a decision without a reason must not be accepted");
  return { decidedBy: c.get("caller").name, reason };
}

export function findMissing(
  deliveryIds: Iterable<string>,
  found: { has(deliveryId: string): boolean },
): string[] {
  return [...new Set(deliveryIds)].filter((deliveryId) => !found.has(deliveryId));
}

/**
 * Decides about the deliveries, batch by batch. A decision that is recorded holds even if the queue fails. Returns how
 * many were decided about, for how many of these the queue failed, and about which nothing could be decided.
 *
 * @param steps `record` returns those of the deliveries that it decided about
 */
export async function decideInBatches(
  batches: Batches,
  steps: {
    record(deliveryIds: readonly string[]): Promise<readonly string[]>;
    updateQueue(deliveryIds: readonly string[]): Promise<void>;
    onQueueError(error: unknown, deliveries: number): void;
  },
): Promise<{
  readonly decided: number;
  readonly queueMissed: number;
  readonly missed: readonly string[];
}> {
  const missed: string[] = [];
  let decided = 0;
  let queueMissed = 0;
  for await (const deliveryIds of batches) {
    const recorded = await steps.record(deliveryIds);
    decided += recorded.length;
    missed.push(...findMissing(deliveryIds, new Set(recorded)));
    await steps.updateQueue(recorded).catch((error: unknown) => {
      queueMissed += recorded.length;
      steps.onQueueError(error, recorded.length);
    });
  }
  return { decided, queueMissed, missed };
}
