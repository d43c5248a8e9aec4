import { formatTicks, STATUSES } from "@dossier/events";
import { findPerson, listEvents, listPersons, type Pool } from "@dossier/store";
import { z } from "zod";
import { naturalPerson, page, utc } from "./answers.ts";
import { operation, type Operation } from "./operation.ts";
import { cursor, limit, moment, nextCursor, text, time } from "./parameters.ts";
import { notFound } from "./problems.ts";

const person = z.strictObject({ entityId: text.describe("iComply's id of the person, percent-encoded.") });

const send = z.object({
  seq: z.int().min(1).describe("Its number in the person's log: the order in which it was processed."),
  creationTimeUtc: utc,
  receivedAt: utc,
  deliveryId: z.uuid(),
});

const event = send
  .extend({
    event: z.string(),
    id: z.string(),
    recognised: z.boolean().describe("Whether today's code understands it; if not, it is counted alone."),
    data: z.record(z.string(), z.unknown()).describe("As it came."),
    deliveries: z
      .array(send)
      .describe("All of its deliveries; retries may carry other times, and the earliest counts."),
  })
  .describe("An event of a person, under the earliest time that its deliveries told.")
  .meta({ id: "Event" });

/** Reads of persons' files, each also as it was at a moment. */
export function naturalPersonOperations(pool: Pool): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/natural-persons",
      summary: "List persons",
      description:
        "By entity id, which no event changes, so a walk over all pages meets every person once. With `asOf` or `knownAt` a page may hold fewer than `limit`, or none, and still have a next one.",
      input: {
        query: moment.extend({
          status: z
            .enum(STATUSES, `must be one of ${STATUSES.join(", ")}`)
            .optional()
            .describe("Only persons who have come exactly this far."),
          q: text.optional().describe("A part of the name, the e-mail or the entity id, whatever the case."),
          limit,
          cursor: cursor(z.strictObject({ entityId: text })),
        }),
      },
      answer: page(naturalPerson).meta({ id: "NaturalPersonPage" }),
      async handle({ query: { limit, cursor, ...filter } }) {
        const { persons, next } = await listPersons(pool, filter, { limit, after: cursor?.entityId });
        return { items: persons, nextCursor: nextCursor(next && { entityId: next }) };
      },
    }),
    operation({
      method: "get",
      path: "/natural-persons/{entityId}",
      summary: "Read a person's file",
      notFound: "Nothing was known of this person at this moment.",
      input: { path: person, query: moment },
      answer: naturalPerson,
      async handle({ path: { entityId }, query }) {
        const found = await findPerson(pool, entityId, query);
        return found ?? notFound("Nothing is known of this person at this moment.");
      },
    }),
    operation({
      method: "get",
      path: "/natural-persons/{entityId}/events",
      summary: "List a person's events",
      description:
        "In the person's order: by time, then type, then id. Of a person of whom nothing is known there are none. With `knownAt`, all pages are of one moment.",
      input: {
        path: person,
        query: moment.extend({
          limit,
          cursor: cursor(z.strictObject({ ticks: time, event: text, id: text })),
        }),
      },
      answer: page(event).meta({ id: "EventPage" }),
      async handle({ path: { entityId }, query: { limit, cursor, ...at } }) {
        const { events, next } = await listEvents(pool, entityId, at, { limit, after: cursor });
        return { items: events, nextCursor: nextCursor(next && { ...next, ticks: formatTicks(next.ticks) }) };
      },
    }),
  ];
}
