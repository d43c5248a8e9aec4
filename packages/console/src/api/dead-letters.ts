import type { DeliveryQueue } from "@dossier/queue";
import type { Logger } from "@dossier/service";
import {
  countDeadLetters,
  discard,
  findDeadLetter,
  listDeadLetters,
  pageDeadLetters,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import {
  deadLetterPage,
  deliveryHistory,
  DEAD_LETTER_REASONS,
  discarded,
  redriven,
} from "./dead-letter-answers.ts";
import { operation, type Operation } from "./operation.ts";
import { cursor, limit, nextCursor, text, time } from "./parameters.ts";
import { notFound } from "./problems.ts";
import { redriveAll, dryRunAll, type Pages } from "./redrive.ts";

/** Deliveries in one step of a bulk action. */
const STEP = 500;

const filter = z.strictObject(
  {
    reason: z.enum(DEAD_LETTER_REASONS, `must be one of ${DEAD_LETTER_REASONS.join(", ")}`).optional(),
    event: text.optional().describe("The event's type, such as `NaturalPersonPending`."),
    entityId: text.optional(),
    since: time.optional().describe("Died then or later."),
    before: time.optional().describe("Died before then."),
    text: text.optional().describe("Stands, to the letter, in the delivery's bytes or in the message."),
  },
  "must be an object",
);

const delivery = z.strictObject({ deliveryId: z.uuid("must be a UUID") });

/** The token is shared, so who acts says so themselves. */
const decision = z.strictObject(
  {
    operator: text.default("api").describe("Who decides; kept for ever."),
    reason: text.default("no reason given").describe("Why; kept for ever."),
  },
  "must be a JSON object",
);
const redriveDecision = decision.extend({
  dryRun: z
    .boolean("must be true or false")
    .default(false)
    .describe("Only find out what would happen: today's code runs in a transaction that is rolled back."),
});

const deadLetterId = z.strictObject({
  deadLetterId: z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
});

/** The deliveries that need a person: to look at, and to decide over. */
export function deadLetterOperations(pool: Pool, queue: DeliveryQueue, log: Logger): readonly Operation[] {
  const parts = { pool, queue, log };
  return [
    operation({
      method: "get",
      path: "/dead-letters",
      summary: "List dead letters",
      description:
        "Those that are dead now, the latest death first, with exact counts of all that the filters mean.",
      input: { query: filter.extend({ limit, cursor: cursor(deadLetterId) }) },
      answer: deadLetterPage,
      async handle({ query: { limit, cursor, ...wanted } }) {
        const [items, counts] = await Promise.all([
          listDeadLetters(pool, wanted, { limit, after: cursor?.deadLetterId }),
          countDeadLetters(pool, wanted),
        ]);
        const last = items.length < limit ? undefined : items.at(-1);
        return {
          items: items.map(({ cursor: _, ...item }) => item),
          nextCursor: nextCursor(last && { deadLetterId: String(last.cursor) }),
          counts,
        };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/redrive",
      summary: "Redrive all dead letters that a filter means",
      description:
        "Each is open again with all its attempts, and is enqueued alone. There is no limit to how many.",
      input: { body: redriveDecision.extend({ filter: filter.default({}) }) },
      answer: redriven,
      async handle({ body: { filter, dryRun, ...by } }) {
        const pages = pageDeadLetters(pool, filter, STEP);
        if (dryRun) return { dryRun, ...(await dryRunAll(pool, pages)) };
        return { dryRun, redriven: await redriveAll(parts, pages, by) };
      },
    }),
    operation({
      method: "get",
      path: "/dead-letters/{deliveryId}",
      summary: "Read a dead letter's story",
      notFound: "No delivery of this id ever died.",
      input: { path: delivery, query: z.strictObject({}) },
      answer: deliveryHistory,
      async handle({ path: { deliveryId } }) {
        const story = await findDeadLetter(pool, deliveryId);
        if (story === undefined) return notFound(`Delivery ${deliveryId} never died.`);
        const { body } = story;
        return { ...story, body: { base64: body.toString("base64"), text: body.toString("utf8") } };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/redrive",
      summary: "Redrive a dead letter",
      notFound: "The delivery is not dead. DryRunResult, it is told as `not-dead` instead.",
      input: { path: delivery, body: redriveDecision },
      answer: redriven,
      async handle({ path: { deliveryId }, body: { dryRun, ...by } }) {
        if (dryRun) return { dryRun, ...(await dryRunAll(pool, only(deliveryId))) };
        const count = await redriveAll(parts, only(deliveryId), by);
        return count === 0 ? notDead(deliveryId) : { dryRun, redriven: count };
      },
    }),
    operation({
      method: "post",
      path: "/dead-letters/{deliveryId}/discard",
      summary: "Discard a dead letter",
      description: "Nobody is asked about it again; it stays readable.",
      notFound: "The delivery is not dead.",
      input: { path: delivery, body: decision.extend({ reason: text.describe("Why; kept for ever.") }) },
      answer: discarded,
      async handle({ path: { deliveryId }, body }) {
        const [done] = await discard(pool, [deliveryId], body);
        if (done === undefined) return notDead(deliveryId);
        await queue.remove([deliveryId]).catch((err: unknown) => {
          log.warn({ err, deliveryId }, "discarded, but its failed job stays in the queue");
        });
        return { discarded: 1 as const };
      },
    }),
  ];
}

async function* only(deliveryId: string): Pages {
  yield [{ deliveryId }];
}

function notDead(deliveryId: string): Response {
  return notFound(`Delivery ${deliveryId} is not dead.`);
}
