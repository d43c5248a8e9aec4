import { formatTicks, STATUSES, type Person, type PointInTime } from "@dossier/events";
import {
  listPersons,
  listPersonsByWaiting,
  stuckBefore,
  type PersonFilter,
  type Pool,
  type StuckAfterHours,
} from "@dossier/store";
import { z } from "zod";
import { hasRole, type Caller } from "../auth.ts";
import { cursor, limit, nextCursor, pointInTime, text, time } from "./parameters.ts";

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
  stuck: z
    .literal(true, "must be true")
    .optional()
    .describe(
      "Only persons who wait in a step for longer than its STUCK_AFTER_HOURS, at `asOf` if it is given.",
    ),
};

const sort = z
  .enum(["entityId", "waiting"], "must be one of entityId, waiting")
  .optional()
  .describe(
    "`waiting`: only persons who are neither approved nor unknown, those longest without an event first. Not at an earlier time, nor with `entityId`: then, and by default, by `entityId`.",
  );

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
  stuck: flag(conditions.stuck),
  sort,
  count: flag(isCounted),
  limit,
  cursor: cursor(z.strictObject({ entityId: text, ticks: time.optional() })),
});

export const searchTerm = text.describe(
  "Part of the name, the e-mail or the entity id, in any case and any of the ways in which Unicode writes it. One or two letters or digits are found where a word begins. A viewer's must be the whole e-mail or the whole id, unless it is a service.",
);

/** The same as a body, with a search term. */
export const personSearch = z.strictObject(
  { ...personQuery.shape, ...conditions, count: isCounted, q: searchTerm },
  "must be a JSON object",
);

/** In ticks: every event is before it. */
const END_OF_TIME = 2n ** 63n - 1n;

type Given = Omit<z.output<typeof personQuery>, "count" | "limit" | "cursor"> & PersonFilter;

/** Returns what selects the persons that are asked for. */
export function personFilterOf(
  { stuck, sort, ...filter }: Given,
  stuckAfterHours: StuckAfterHours,
): PersonFilter & PointInTime {
  if (stuck !== true && sort !== "waiting") return filter;
  const now = filter.asOf === undefined ? Date.now() : Date.parse(formatTicks(filter.asOf));
  const limits = stuckBefore(stuckAfterHours, now);
  if (stuck === true) return { ...filter, stuckBefore: limits };
  return { ...filter, stuckBefore: new Map([...limits.keys()].map((step) => [step, END_OF_TIME])) };
}

/** Reads a page of persons in the order that is asked for. Its `next` is the next page's cursor. */
export async function readPersonPage(
  pool: Pool,
  filter: PersonFilter & PointInTime,
  { sort, limit, cursor: after }: Pick<z.output<typeof personQuery>, "sort" | "limit" | "cursor">,
): Promise<{ readonly persons: readonly Person[]; readonly next: string | null }> {
  const isOfNow = filter.asOf === undefined && filter.knownAt === undefined;
  if (sort === "waiting" && isOfNow && filter.entityId === undefined) {
    const position =
      after?.ticks === undefined ? undefined : { ticks: after.ticks, entityId: after.entityId };
    const { persons, next } = await listPersonsByWaiting(pool, filter, { limit, after: position });
    return { persons, next: nextCursor(next && { ...next, ticks: formatTicks(next.ticks) }) };
  }
  const { persons, next } = await listPersons(pool, filter, { limit, after: after?.entityId });
  return { persons, next: nextCursor(next === undefined ? undefined : { entityId: next }) };
}

/** Returns the filter of what somebody searches: who may only view finds only whom they know already. */
export function searchFor(caller: Caller, term: string | undefined): Pick<PersonFilter, "q" | "whole"> {
  return caller.isService || hasRole(caller, "operator") ? { q: term } : { whole: term };
}
