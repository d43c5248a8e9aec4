import { DEAD_LETTER_REASONS } from "@dossier/events";
import { countDeadLetters, findDeadLetter, listDeadLetters, type Pool } from "@dossier/store";
import { z } from "zod";
import { refuseText } from "../auth.ts";
import { count, page, utc } from "./answers.ts";
import { deadLetter, deliveryHistory, formatHistory, personalHistory } from "./delivery-history.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { cursor, deadLetterFilter, deliveryPath, limit, nextCursor } from "./parameters.ts";

export const deadLetterCounts = z
  .partialRecord(z.enum(DEAD_LETTER_REASONS), count)
  .describe("Exact, by reason; a reason without dead letters is left out.");

const deadLetterPage = page(
  deadLetter
    .extend({
      deliveryId: z.uuid(),
      receivedAt: utc,
      discard: z
        .object({ decidedBy: z.string(), reason: z.string(), at: utc })
        .nullable()
        .describe("Who discarded it, why and when; `null` unless it is discarded."),
    })
    .describe("A delivery that is a dead letter now, or discarded, with its last reason.")
    .meta({ id: "DeadLetter" }),
)
  .extend({ counts: deadLetterCounts })
  .meta({ id: "DeadLetterPage" });

export type DeadLetterPage = z.infer<typeof deadLetterPage>;

export const deadLetterPosition = z.strictObject({
  deadLetterId: z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
});

export const deadLetterStatus = z
  .enum(["dead-lettered", "discarded"], "must be one of dead-lettered, discarded")
  .default("dead-lettered")
  .describe("Whether an operator has still to decide, or has discarded them.");

const listed = { status: deadLetterStatus, limit, cursor: cursor(deadLetterPosition) };

/** What a URL may say: no text of a payload, which is personal data. */
const deadLetterQuery = deadLetterFilter.omit({ text: true }).extend(listed);

const deadLetterSearch = deadLetterFilter.extend({
  ...listed,
  text: deadLetterFilter.shape.text.describe(
    `${deadLetterFilter.shape.text.description} Takes the role operator.`,
  ),
});

/** Reads of the deliveries that could not be settled. */
export function deadLetterOperations(pool: Pool): readonly Operation[] {
  async function listOf({ limit, cursor, ...filter }: z.output<typeof deadLetterSearch>) {
    const [{ items, next }, counts] = await Promise.all([
      listDeadLetters(pool, filter, { limit, after: cursor?.deadLetterId }),
      countDeadLetters(pool, filter),
    ]);
    return { items, nextCursor: nextCursor(next && { deadLetterId: String(next) }), counts };
  }

  return [
    operation({
      method: "get",
      path: "/dead-letters",
      operationId: "listDeadLetters",
      summary: "List dead letters, or discarded ones",
      role: "viewer",
      description: "The latest first, with exact counts of all that the filter selects.",
      input: { query: deadLetterQuery },
      answer: deadLetterPage,
      handle: ({ query }) => listOf(query),
    }),
    operation({
      method: "post",
      path: "/dead-letters/search",
      operationId: "searchDeadLetters",
      summary: "Search dead letters, or discarded ones",
      role: "viewer",
      description:
        "As the list of dead letters, also by a text, which is personal data: a URL is logged in many places. Changes nothing.",
      input: { body: deadLetterSearch },
      answer: deadLetterPage,
      handle: async ({ body }, c) => refuseText(c.get("caller"), body.text) ?? (await listOf(body)),
    }),
    operation({
      method: "get",
      path: "/dead-letters/{deliveryId}",
      operationId: "getDeadLetter",
      summary: "Read the history of a dead letter",
      role: "viewer",
      description: "Whatever became of it: it may be open again, settled or discarded.",
      notFound: "No delivery with this id was ever dead-lettered.",
      input: { path: deliveryPath, query: z.strictObject({}) },
      answer: deliveryHistory,
      async handle({ path: { deliveryId } }) {
        const history = await findDeadLetter(pool, deliveryId);
        if (history === undefined) return notFoundProblem(`Delivery ${deliveryId} was never dead-lettered.`);
        return formatHistory(history);
      },
      personal: personalHistory,
    }),
  ];
}
