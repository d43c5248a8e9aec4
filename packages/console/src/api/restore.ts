import { countDeadLetters, findDeadLettered, restore, type Decision, type Pool } from "@dossier/store";
import { z } from "zod";
import { count } from "./answers.ts";
import { createDecision, findMissing } from "./decide.ts";
import type { Batches } from "./dry-run.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { deliveryPath } from "./parameters.ts";
import { decisionBody, selectBatches, selectionBody, type Selection } from "./selection.ts";

const restoreResult = z
  .object({
    dryRun: z.boolean(),
    restored: count.describe("How many deliveries are dead letters again, or would be."),
    notDiscarded: z
      .array(z.uuid())
      .optional()
      .describe("Those of the request's `deliveryIds` that are not discarded; only if it has any."),
  })
  .meta({ id: "RestoreResult" });

export type RestoreResult = z.infer<typeof restoreResult>;

const RESTORE = "Undoes a discard: the delivery is a dead letter again, to be redriven or discarded.";

/** Decisions that undo discards. */
export function restoreOperations(pool: Pool): readonly Operation[] {
  async function restoreBatches(batches: Batches, decision: Decision) {
    const missed: string[] = [];
    let restored = 0;
    for await (const deliveryIds of batches) {
      const recorded = await restore(pool, deliveryIds, decision);
      restored += recorded.length;
      missed.push(...findMissing(deliveryIds, new Set(recorded)));
    }
    return { dryRun: false, restored, missed };
  }

  return [
    operation({
      method: "post",
      path: "/dead-letters/restore",
      operationId: "restoreDeadLetters",
      summary: "Restore the discarded deliveries that a filter selects, or that are named",
      role: "operator",
      description: RESTORE,
      input: { body: selectionBody },
      answer: restoreResult,
      async handle({ body: { dryRun, reason, ...selected } }, c) {
        if (dryRun) return { dryRun, ...(await dryRunRestore(pool, selected)) };
        const batches = selectBatches(pool, selected, "discarded");
        const { missed, ...result } = await restoreBatches(batches, createDecision(c, reason));
        return { ...result, ...(selected.deliveryIds && { notDiscarded: missed }) };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/restore",
      operationId: "restoreDeadLetter",
      summary: "Restore a discarded delivery",
      role: "operator",
      description: RESTORE,
      notFound: "The delivery is not discarded.",
      input: { path: deliveryPath, body: decisionBody },
      answer: restoreResult,
      async handle({ path: { deliveryId }, body: { dryRun, reason } }, c) {
        const restored = dryRun
          ? (await findDeadLettered(pool, [deliveryId], "discarded")).size
          : (await restore(pool, [deliveryId], createDecision(c, reason))).length;
        return restored === 0
          ? notFoundProblem(`Delivery ${deliveryId} is not discarded.`)
          : { dryRun, restored };
      },
    }),
  ];
}

async function dryRunRestore(pool: Pool, { deliveryIds, filter = {} }: Selection) {
  if (deliveryIds) {
    const found = await findDeadLettered(pool, deliveryIds, "discarded");
    return { restored: found.size, notDiscarded: findMissing(deliveryIds, found) };
  }
  const counts = Object.values(await countDeadLetters(pool, { ...filter, status: "discarded" }));
  return { restored: counts.reduce((sum, one) => sum + one, 0) };
}
