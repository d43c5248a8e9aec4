import type { DeliveryQueue } from "@dossier/queue";
import type { Logger } from "@dossier/service";
import {
  countDeadLetters,
  discard,
  findDeadLettered,
  pageDeadLetters,
  redrive,
  type DeadLetterFilter,
  type Decision,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import { count } from "./answers.ts";
import { dryRunBatches, redriveDryRun, type Batches } from "./dry-run.ts";
import { notFound, operation, type Operation } from "./operation.ts";
import { deadLetterFilter, deliveryPath, text } from "./parameters.ts";

/** Deliveries that one transaction decides about. */
const BATCH_SIZE = 500;

const NO_REASON = "no reason given";

/** The token is shared, so operators name themselves. */
const decisionBody = z.strictObject(
  {
    operator: text.default("api").describe("Who decides; kept for ever."),
    reason: text.default(NO_REASON).describe("Why; kept for ever."),
    dryRun: z
      .boolean("must be true or false")
      .default(false)
      .describe("Change nothing, and answer what would happen."),
  },
  "must be a JSON object",
);

const discardBody = decisionBody.extend({
  reason: text.optional().describe("Why; kept for ever. Required, except for a dry run."),
});

/** Requires a reason, except for a dry run. Checked even if other fields are wrong, so that an answer names all errors. */
function requireReason<Body extends typeof discardBody>(body: Body): Body {
  return body.refine(({ reason, dryRun }) => dryRun || reason !== undefined, {
    path: ["reason"],
    error: "is required",
    when: ({ issues }) => !issues.some(({ code, path = [] }) => code === "invalid_type" && path.length === 0),
  });
}

const filter = deadLetterFilter.default({}).describe("Which dead letters; all by default.");

const redriveResult = z
  .discriminatedUnion("dryRun", [
    z.object({
      dryRun: z.literal(false),
      redriven: count.describe("How many deliveries are open again."),
      notEnqueued: count.describe(
        "How many of them the queue may not have taken; the sweeper enqueues these.",
      ),
    }),
    redriveDryRun,
  ])
  .meta({ id: "RedriveResult" });

const discardResult = z
  .discriminatedUnion("dryRun", [
    z.object({
      dryRun: z.literal(false),
      discarded: count.describe("How many deliveries are discarded."),
      jobsLeft: count.describe("How many of them may still have a job in the queue, which has no effect."),
    }),
    z.object({ dryRun: z.literal(true), discarded: count.describe("How many would be discarded.") }),
  ])
  .meta({ id: "DiscardResult" });

const DRY_RUN =
  "A dry run settles the deliveries with this version of the code in a transaction that is rolled back, and answers what would change for each person and which deliveries would fail again.";
const DISCARD =
  "Discarded deliveries are no longer listed and cannot be redriven; their history stays readable.";

/** Decisions of operators about one dead letter, or about all that a filter selects. */
export function decisionOperations(pool: Pool, queue: DeliveryQueue, log: Logger): readonly Operation[] {
  async function redriveBatches(batches: Batches, decision: Decision) {
    const { decided, queueMissed } = await decideInBatches(batches, {
      record: (deliveryIds) => redrive(pool, deliveryIds, decision),
      updateQueue: queue.redrive,
      onQueueError: (err, deliveries) =>
        log.warn(
          { code: "redriven-not-enqueued", err, deliveries },
          "redriven deliveries not enqueued; the sweeper will enqueue them",
        ),
    });
    return { dryRun: false as const, redriven: decided, notEnqueued: queueMissed };
  }

  async function discardBatches(batches: Batches, decision: Decision) {
    const { decided, queueMissed } = await decideInBatches(batches, {
      record: (deliveryIds) => discard(pool, deliveryIds, decision),
      updateQueue: queue.remove,
      onQueueError: (err, deliveries) =>
        log.warn(
          { code: "discarded-jobs-left", err, deliveries },
          "jobs of discarded deliveries not removed; they have no effect",
        ),
    });
    return { dryRun: false as const, discarded: decided, jobsLeft: queueMissed };
  }

  return [
    operation({
      method: "post",
      path: "/dead-letters/redrive",
      summary: "Redrive the dead letters that a filter selects",
      description: `Each is open again with all its attempts, and gets a job of its own. There is no limit to how many. ${DRY_RUN}`,
      input: { body: decisionBody.extend({ filter }) },
      answer: redriveResult,
      handle: ({ body: { filter, dryRun, ...decision } }) => {
        const batches = selectBatches(pool, filter);
        return dryRun ? dryRunBatches(pool, batches) : redriveBatches(batches, decision);
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/discard",
      summary: "Discard the dead letters that a filter selects",
      description: DISCARD,
      input: { body: requireReason(discardBody.extend({ filter })) },
      answer: discardResult,
      async handle({ body: { filter, dryRun, operator, reason = NO_REASON } }) {
        if (!dryRun) return discardBatches(selectBatches(pool, filter), { operator, reason });
        const counts = Object.values(await countDeadLetters(pool, filter));
        return { dryRun, discarded: counts.reduce((sum, one) => sum + one, 0) };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/redrive",
      summary: "Redrive a dead letter",
      description: DRY_RUN,
      notFound: "The delivery is not a dead letter. A dry run answers this as `not-dead-lettered`.",
      input: { path: deliveryPath, body: decisionBody },
      answer: redriveResult,
      async handle({ path: { deliveryId }, body: { dryRun, ...decision } }) {
        if (dryRun) return dryRunBatches(pool, [[deliveryId]]);
        const result = await redriveBatches([[deliveryId]], decision);
        return result.redriven === 0 ? notDeadLettered(deliveryId) : result;
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/discard",
      summary: "Discard a dead letter",
      description: DISCARD,
      notFound: "The delivery is not a dead letter.",
      input: { path: deliveryPath, body: requireReason(discardBody) },
      answer: discardResult,
      async handle({ path: { deliveryId }, body: { dryRun, operator, reason = NO_REASON } }) {
        const result = dryRun
          ? { dryRun, discarded: (await findDeadLettered(pool, [deliveryId])).size }
          : await discardBatches([[deliveryId]], { operator, reason });
        return result.discarded === 0 ? notDeadLettered(deliveryId) : result;
      },
    }),
  ];
}

async function* selectBatches(pool: Pool, filter: DeadLetterFilter): AsyncGenerator<readonly string[]> {
  for await (const page of pageDeadLetters(pool, filter, BATCH_SIZE)) {
    yield page.map(({ deliveryId }) => deliveryId);
  }
}

/**
 * Decides about the deliveries, batch by batch. A decision that is recorded holds even if the queue fails. Returns how
 * many were dead letters, and for how many of these the queue failed.
 *
 * @param steps `record` returns those of the deliveries that were dead letters
 */
async function decideInBatches(
  batches: Batches,
  steps: {
    record(deliveryIds: readonly string[]): Promise<readonly string[]>;
    updateQueue(deliveryIds: readonly string[]): Promise<void>;
    onQueueError(error: unknown, deliveries: number): void;
  },
): Promise<{ readonly decided: number; readonly queueMissed: number }> {
  let decided = 0;
  let queueMissed = 0;
  for await (const deliveryIds of batches) {
    const recorded = await steps.record(deliveryIds);
    decided += recorded.length;
    await steps.updateQueue(recorded).catch((error: unknown) => {
      queueMissed += recorded.length;
      steps.onQueueError(error, recorded.length);
    });
  }
  return { decided, queueMissed };
}

function notDeadLettered(deliveryId: string): Response {
  return notFound(`Delivery ${deliveryId} is not a dead letter.`);
}
