/** What a decision about dead letters says, and which dead letters it selects. */
import { DECISION_BATCH_SIZE } from "@dossier/store";
import { z } from "zod";
import { deadLetterFilter, deliveryId, text } from "./parameters.ts";

/** In characters. Longer ones would fill the lists that show them. */
export const MAX_REASON_LENGTH = 500;

/** Kept for ever, so it must say something, as it was sent. */
export const reason = text
  .max(MAX_REASON_LENGTH, `must have at most ${MAX_REASON_LENGTH} characters`)
  .refine((value) => value === "" || value.trim() !== "", "must not be blank")
  .refine((value) => value.isWellFormed(), "must be valid Unicode");

const decisionFields = z.strictObject(
  {
    reason: reason.optional().describe("Why; kept for ever. Required, except for a dry run."),
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

/** What selects any number of dead letters. */
const setFields = z.object({
  filter: deadLetterFilter.optional().describe("Which dead letters: all that match, and one field at least."),
  all: z.literal(true, "must be true").optional().describe("Every dead letter, instead of a filter."),
});

/** What a decision about many dead letters selects. */
const selectionFields = setFields.extend({
  deliveryIds: z
    .array(deliveryId, "must be a list of UUIDs")
    .min(1, "must not be empty")
    .max(DECISION_BATCH_SIZE, `must have ${DECISION_BATCH_SIZE} items or fewer`)
    .optional()
    .describe("These deliveries, in one transaction, instead of a filter."),
});

export type Selection = z.output<typeof selectionFields>;

/** Requires one way to select. Nothing does not select all: that is too easy to send by mistake. */
function requireOneSelection<Body extends typeof setFields>(body: Body, unless: string): Body {
  const count = ({ filter, all, deliveryIds }: Partial<Selection>) =>
    [filter, all, deliveryIds].filter((way) => way !== undefined).length;
  return body
    .refine((selection) => count(selection) <= 1, {
      path: ["filter"],
      error: "must not be given together with another way to select",
      when: isObject,
    })
    .refine((selection) => count(selection) > 1 || !selectsNothing(selection), {
      path: ["filter"],
      error: `must have one field at least, unless ${unless}`,
      // What is no filter, or has an unknown field, is named as that alone.
      when: (payload) => isObject(payload) && !payload.issues.some(({ path = [] }) => path[0] === "filter"),
    });
}

function selectsNothing({ filter = {}, all, deliveryIds }: Partial<Selection>): boolean {
  return all === undefined && deliveryIds === undefined && Object.keys(filter).length === 0;
}

function isObject({ issues }: z.core.ParsePayload): boolean {
  return !issues.some(({ code, path = [] }) => code === "invalid_type" && path.length === 0);
}

/** The body of a decision about one dead letter. */
export const decisionBody = requireReason(decisionFields);

/** The body of a decision about many. */
export const selectionBody = requireReason(
  requireOneSelection(
    decisionFields.extend(selectionFields.shape),
    "`all` is true or `deliveryIds` names deliveries",
  ),
);

/** The body that makes a bulk action. */
export const bulkActionBody = requireOneSelection(
  z.strictObject(
    {
      action: z.enum(["redrive", "discard", "restore"], "must be one of redrive, discard, restore"),
      reason: reason.describe("Why; kept for ever."),
      ...setFields.shape,
    },
    "must be a JSON object",
  ),
  "`all` is true",
);
