import {
  confirmBulkAction,
  countDeadLetters,
  findBulkAction,
  findDeadLettered,
  statusOf,
  type Decision,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import type { z } from "zod";
import type { ApiEnv } from "../auth.ts";
import { findMissing, type Decide, type Decided } from "../decide.ts";
import { bulkAction, makeBulkAction, maskBulkAction } from "./bulk-actions.ts";
import { discardKind, redriveKind, restoreKind, type DecisionKind } from "./decision-kinds.ts";
import { accepted, notFoundProblem, operation, type Operation } from "./operation.ts";
import { deliveryPath } from "./parameters.ts";
import { decisionBody, selectionBody, type Selection } from "./selection.ts";

export interface DecisionParts {
  readonly pool: Pool;
  readonly decide: Decide;
  /** Has this console carry out what is confirmed. */
  wake(): void;
}

/** Decisions of operators about one dead letter, about those that are named, or about all that a filter selects. */
export function decisionOperations(parts: DecisionParts): readonly Operation[] {
  return [
    ...operationsOf(redriveKind(parts.pool), parts),
    ...operationsOf(discardKind, parts),
    ...operationsOf(restoreKind, parts),
  ];
}

function operationsOf<Answer extends z.ZodType>(
  kind: DecisionKind<Answer>,
  { pool, decide, wake }: DecisionParts,
): readonly Operation[] {
  const { action, names, summaries, description, notFound, answer, format } = kind;
  const personal = kind.personal && { personal: kind.personal };

  async function countSelected({ deliveryIds, filter = {} }: Selection): Promise<Decided> {
    const status = statusOf(action);
    if (deliveryIds === undefined) {
      const counts = Object.values(await countDeadLetters(pool, { ...filter, status }));
      return { decided: counts.reduce((sum, one) => sum + one, 0), queueMissed: 0 };
    }
    const found = await findDeadLettered(pool, deliveryIds, status);
    return { decided: found.size, queueMissed: 0, missed: findMissing(deliveryIds, found) };
  }

  const dryRunOf = async (selection: Selection) =>
    kind.dryRun ? kind.dryRun(selection) : format(await countSelected(selection), true);

  async function startBulkAction(
    c: Context<ApiEnv>,
    { filter = {} }: Selection,
    { decidedBy, reason }: Decision,
  ): Promise<Response> {
    const id = await makeBulkAction(pool, c, { action, filter, reason });
    await confirmBulkAction(pool, id, decidedBy);
    wake();
    const found = await findBulkAction(pool, id);
    // Whoever sends a text has it.
    return accepted(c, found && maskBulkAction(found));
  }

  return [
    operation({
      method: "post",
      path: `/dead-letters/${action}`,
      operationId: names.many,
      summary: summaries.many,
      role: "operator",
      description: `${description} What a filter or \`all\` selects is decided in the background: the answer is 202 with a bulk action, and \`Location\` names it.`,
      input: { body: selectionBody },
      answer,
      accepted: bulkAction,
      async handle({ body: { dryRun, reason, ...selection } }, c) {
        if (dryRun) return dryRunOf(selection);
        const decision = createDecision(c, reason);
        return selection.deliveryIds === undefined
          ? startBulkAction(c, selection, decision)
          : format(await decide(action, selection.deliveryIds, decision), false);
      },
      ...personal,
    }),
    operation({
      method: "post",
      path: `/dead-letters/{deliveryId}/${action}`,
      operationId: names.one,
      summary: summaries.one,
      role: "operator",
      description,
      notFound,
      input: { path: deliveryPath, body: decisionBody },
      answer,
      async handle({ path: { deliveryId }, body: { dryRun, reason } }, c) {
        const selection = { deliveryIds: [deliveryId] };
        if (dryRun && kind.dryRun) return kind.dryRun(selection);
        const { missed: _, ...result } = dryRun
          ? await countSelected(selection)
          : await decide(action, selection.deliveryIds, createDecision(c, reason));
        return result.decided === 0 ? notFoundProblem(`${deliveryId}: ${notFound}`) : format(result, dryRun);
      },
      ...personal,
    }),
  ];
}

/** Returns the decision of a request that is no dry run. */
function createDecision(c: Context<ApiEnv>, reason: string | undefined): Decision {
  if (reason === undefined) throw new Error("a decision without a reason must not be accepted");
  return { decidedBy: c.get("caller").name, reason };
}
