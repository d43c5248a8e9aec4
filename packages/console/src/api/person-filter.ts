import { STATUSES } from "@dossier/events";
import type { PersonFilter } from "@dossier/store";
import { z } from "zod";
import { hasRole, type Caller } from "../auth.ts";
import { cursor, limit, pointInTime, text } from "./parameters.ts";

const conditions = {
  status: z
    .enum(STATUSES, `must be one of ${STATUSES.join(", ")}`)
    .optional()
    .describe("Only persons with this status."),
  reviewNeeded: z
    .literal(true, "must be true")
    .optional()
    .describe("Only persons who answered a request for an update after their last approval."),
  unknownEvents: z
    .literal(true, "must be true")
    .optional()
    .describe("Only persons with an event whose type this version does not know."),
};

const isCounted = z
  .literal(true, "must be true")
  .optional()
  .describe("Count, too, how many persons match: exactly up to 10,000. Costs more than a page.");

/** In a URL. */
const flag = <Flag extends z.ZodType>(value: Flag) =>
  z.preprocess((given) => (given === "true" ? true : given), value);

/** The parameters that select persons, without a search term, which does not belong into a URL. */
export const personQuery = pointInTime.extend({
  ...conditions,
  reviewNeeded: flag(conditions.reviewNeeded),
  unknownEvents: flag(conditions.unknownEvents),
  count: flag(isCounted),
  limit,
  cursor: cursor(z.strictObject({ entityId: text })),
});

export const searchTerm = text.describe(
  "Part of the name, the e-mail or the entity id, in any case and any of the ways in which Unicode writes it. One or two letters or digits are found where a word begins. A viewer's must be the whole e-mail or the whole id, unless it is a service.",
);

/** The same as a body, with a search term. */
export const personSearch = z.strictObject(
  { ...personQuery.shape, ...conditions, count: isCounted, q: searchTerm },
  "must be a JSON object",
);

/** Returns the filter of what somebody searches: who may only view finds only whom they know already. */
export function searchFor(caller: Caller, term: string | undefined): Pick<PersonFilter, "q" | "whole"> {
  return caller.isService || hasRole(caller, "operator") ? { q: term } : { whole: term };
}
