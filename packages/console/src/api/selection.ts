/** What a decision about dead letters says, and which dead letters it selects. */
import { pageDeadLetters, type DeadLetterFilter, type DeadLetterStatus, type Pool } from "@dossier/store";
import { z } from "zod";
import { BATCH_SIZE, type Batches } from "./dry-run.ts";
import { deadLetterFilter, deliveryId, text } from "./parameters.ts";

const decisionFields = z.strictObject(
  {
    reason: text.optional().describe("Why; kept for ever. Required, except for a dry run."),
    dryRun: z
      .boolean("must be true or false")
      .default(false)
      .describe("Change nothing, and answer what would happen."),
  },
  "must be a JSON object",
);

/** Requires a reason, except for a dry run. Checked even if other fields are wrong, so that an answer names all errors. */
function requireReason<Body extends typeof decisionFields>(body: Body): Body {
  return body.refine(({ reason, dryRun }) => dryRun || reason !== undefined, {
    path: ["reason"],
    error: "is required",
    when: isObject,
  });
}

/** What a decision about many dead letters selects. */
const selectionFields = z.object({
  filter: deadLetterFilter
    .optional()
    .describe("Which dead letters: all that match, and one field at least. Either this or `deliveryIds`."),
  deliveryIds: z
    .array(deliveryId, "must be a list of UUIDs")
    .min(1, "must not be empty")
    .max(BATCH_SIZE, `must have ${BATCH_SIZE} items or fewer`)
    .optional()
    .describe("These deliveries, in one transaction."),
});

export type Selection = z.output<typeof selectionFields>;

/** Nothing selects all: that is too easy to send by mistake. */
function requireOneSelection<Body extends typeof selectionFields>(body: Body): Body {
  return body
    .refine(({ filter, deliveryIds }) => filter === undefined || deliveryIds === undefined, {
      path: ["deliveryIds"],
      error: "must not be given together with a filter",
      when: isObject,
    })
    .refine(({ filter = {}, deliveryIds }) => deliveryIds !== undefined || Object.keys(filter).length > 0, {
      path: ["filter"],
      error: "must have one field at least, unless `deliveryIds` names deliveries",
      when: isObject,
    });
}

function isObject({ issues }: z.core.ParsePayload): boolean {
  return !issues.some(({ code, path = [] }) => code === "invalid_type" && path.length === 0);
}

/** The body of a decision about one dead letter. */
export const decisionBody = requireReason(decisionFields);
/** The body of a decision about many. */
export const selectionBody = requireReason(requireOneSelection(decisionFields.extend(selectionFields.shape)));

/**
 * Returns the ids of what is selected; named ones as a single batch, without repetitions.
 *
 * @param status of those that a filter selects
 */
export function selectBatches(
  pool: Pool,
  { deliveryIds, filter = {} }: Selection,
  status: DeadLetterStatus = "dead-lettered",
): Batches {
  return deliveryIds ? [[...new Set(deliveryIds)]] : findBatches(pool, { ...filter, status });
}

async function* findBatches(pool: Pool, filter: DeadLetterFilter): AsyncGenerator<readonly string[]> {
  for await (const page of pageDeadLetters(pool, filter, BATCH_SIZE)) {
    yield page.map(({ deliveryId }) => deliveryId);
  }
}
