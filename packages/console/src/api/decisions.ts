import type { DeliveryQueue } from "@dossier/queue";
import type { Logger } from "@dossier/service";
import {
  countDeadLetters,
  discard,
  findDeadLettered,
  redrive,
  type Decision,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import { count } from "./answers.ts";
import { createDecision, decideInBatches, findMissing } from "./decide.ts";
import { BATCH_SIZE, dryRunBatches, redriveDryRun, type Batches } from "./dry-run.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { deliveryPath } from "./parameters.ts";
import { decisionBody, selectBatches, selectionBody, type Selection } from "./selection.ts";

const notDeadLettered = z
  .array(z.uuid())
  .optional()
  .describe("Those of the request's `deliveryIds` that are not dead letters; only if it has any.");

const redriveResult = z
  .discriminatedUnion("dryRun", [
    z.object({
      dryRun: z.literal(false),
      redriven: count.describe("How many deliveries are open again."),
      notEnqueued: count.describe(
        "How many of them the queue may not have taken; the sweeper enqueues these.",
      ),
      notDeadLettered,
    }),
    redriveDryRun,
  ])
  .meta({ id: "RedriveResult" });

export type RedriveResult = z.infer<typeof redriveResult>;

const discardResult = z
  .discriminatedUnion("dryRun", [
    z.object({
      dryRun: z.literal(false),
      discarded: count.describe("How many deliveries are discarded."),
      jobsLeft: count.describe("How many of them may still have a job in the queue, which has no effect."),
      notDeadLettered,
    }),
    z.object({
      dryRun: z.literal(true),
      discarded: count.describe("How many would be discarded."),
      notDeadLettered,
    }),
  ])
  .meta({ id: "DiscardResult" });

export type DiscardResult = z.infer<typeof discardResult>;

const DRY_RUN =
  "A dry run settles the deliveries with this version of the code in a transaction that is rolled back, and answers what would change for each person and which deliveries would fail again. Each delivery sees what those before it would have done.";
const IN_BATCHES = `A filter's deliveries are settled ${BATCH_SIZE} at a time, and none sees those of an earlier batch: a person with deliveries in several batches is listed once for each.`;
const DISCARD =
  "Discarded deliveries are no longer listed and cannot be redriven; their history stays readable, and a restore undoes it.";

/** Decisions of operators about one dead letter, or about all that a filter selects. */
export function decisionOperations(pool: Pool, queue: DeliveryQueue, log: Logger): readonly Operation[] {
  async function redriveBatches(batches: Batches, decision: Decision) {
    const { decided, queueMissed, missed } = await decideInBatches(batches, {
      record: (deliveryIds) => redrive(pool, deliveryIds, decision),
      updateQueue: queue.replaceSingles,
      onQueueError: (err, deliveries) =>
        log.warn(
          { code: "redriven-not-enqueued", err, deliveries },
          "redriven deliveries not enqueued; the sweeper will enqueue them",
        ),
    });
    return { dryRun: false as const, redriven: decided, notEnqueued: queueMissed, missed };
  }

  async function discardBatches(batches: Batches, decision: Decision) {
    const { decided, queueMissed, missed } = await decideInBatches(batches, {
      record: (deliveryIds) => discard(pool, deliveryIds, decision),
      updateQueue: queue.remove,
      onQueueError: (err, deliveries) =>
        log.warn(
          { code: "discarded-jobs-left", err, deliveries },
          "jobs of discarded deliveries not removed; they have no effect",
        ),
    });
    return { dryRun: false as const, discarded: decided, jobsLeft: queueMissed, missed };
  }

  return [
    operation({
      method: "post",
      path: "/dead-letters/redrive",
      operationId: "redriveDeadLetters",
      summary: "Redrive the dead letters that a filter selects, or that are named",
      role: "operator",
      description: `Each is open again with all its attempts, and gets a job of its own. A filter may select any number. ${DRY_RUN} ${IN_BATCHES}`,
      input: { body: selectionBody },
      answer: redriveResult,
      async handle({ body: { dryRun, reason, ...selected } }, c) {
        const batches = selectBatches(pool, selected);
        if (dryRun) return dryRunBatches(pool, batches);
        const { missed, ...result } = await redriveBatches(batches, createDecision(c, reason));
        return { ...result, ...(selected.deliveryIds && { notDeadLettered: missed }) };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/discard",
      operationId: "discardDeadLetters",
      summary: "Discard the dead letters that a filter selects, or that are named",
      role: "operator",
      description: DISCARD,
      input: { body: selectionBody },
      answer: discardResult,
      async handle({ body: { dryRun, reason, ...selected } }, c) {
        if (dryRun) return { dryRun, ...(await dryRunDiscard(pool, selected)) };
        const batches = selectBatches(pool, selected);
        const { missed, ...result } = await discardBatches(batches, createDecision(c, reason));
        return { ...result, ...(selected.deliveryIds && { notDeadLettered: missed }) };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/redrive",
      operationId: "redriveDeadLetter",
      summary: "Redrive a dead letter",
      role: "operator",
      description: DRY_RUN,
      notFound: "The delivery is not a dead letter. A dry run answers this as `not-dead-lettered`.",
      input: { path: deliveryPath, body: decisionBody },
      answer: redriveResult,
      async handle({ path: { deliveryId }, body: { dryRun, reason } }, c) {
        if (dryRun) return dryRunBatches(pool, [[deliveryId]]);
        const { missed: _, ...result } = await redriveBatches([[deliveryId]], createDecision(c, reason));
        return result.redriven === 0 ? notDeadLetteredProblem(deliveryId) : result;
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/discard",
      operationId: "discardDeadLetter",
      summary: "Discard a dead letter",
      role: "operator",
      description: DISCARD,
      notFound: "The delivery is not a dead letter.",
      input: { path: deliveryPath, body: decisionBody },
      answer: discardResult,
      async handle({ path: { deliveryId }, body: { dryRun, reason } }, c) {
        if (dryRun) {
          const found = await findDeadLettered(pool, [deliveryId]);
          return found.size === 0 ? notDeadLetteredProblem(deliveryId) : { dryRun, discarded: found.size };
        }
        const { missed: _, ...result } = await discardBatches([[deliveryId]], createDecision(c, reason));
        return result.discarded === 0 ? notDeadLetteredProblem(deliveryId) : result;
      },
    }),
  ];
}

async function dryRunDiscard(pool: Pool, { deliveryIds, filter = {} }: Selection) {
  if (deliveryIds) {
    const found = await findDeadLettered(pool, deliveryIds);
    return { discarded: found.size, notDeadLettered: findMissing(deliveryIds, found) };
  }
  const counts = Object.values(await countDeadLetters(pool, filter));
  return { discarded: counts.reduce((sum, one) => sum + one, 0) };
}

function notDeadLetteredProblem(deliveryId: string): Response {
  return notFoundProblem(`Delivery ${deliveryId} is not a dead letter.`);
}
