import { formatTicks, STATUSES } from "@dossier/events";
import { findPerson, listEvents, listPersons, type Pool } from "@dossier/store";
import { z } from "zod";
import { naturalPerson, page, utc } from "./answers.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { cursor, limit, nextCursor, pointInTime, text, time } from "./parameters.ts";

const personPath = z.strictObject({
  entityId: text.describe("The person's id at iComply, percent-encoded."),
});

const eventDelivery = z.object({
  seq: z.int().min(1).describe("Its number in the person's log: the order in which it was settled."),
  creationTimeUtc: utc,
  receivedAt: utc,
  deliveryId: z.uuid(),
});

const event = eventDelivery
  .extend({
    event: z.string(),
    id: z.string(),
    recognised: z
      .boolean()
      .describe("Whether this version knows the event's type; if not, the event is only counted."),
    data: z.record(z.string(), z.unknown()).describe("As received."),
    deliveries: z
      .array(eventDelivery)
      .describe("All deliveries of the event; redeliveries may carry other times."),
  })
  .describe("A person's event, with the earliest time that any of its deliveries carries.")
  .meta({ id: "Event" });

/** Reads of persons' states, also as they were at an earlier point in time. */
export function naturalPersonOperations(pool: Pool): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/natural-persons",
      operationId: "listNaturalPersons",
      summary: "List persons",
      role: "viewer",
      description:
        "Ordered by entity id, which never changes, so reading all pages returns every person once. A page may have fewer items than `limit` although another page follows: it ends when it has a MiB, and with `asOf` or `knownAt` it may even have none.",
      input: {
        query: pointInTime.extend({
          status: z
            .enum(STATUSES, `must be one of ${STATUSES.join(", ")}`)
            .optional()
            .describe("Only persons with this status."),
          q: text
            .optional()
            .describe(
              "Part of the name, the e-mail or the entity id, in any case and any of the ways in which Unicode writes it.",
            ),
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
      operationId: "getNaturalPerson",
      summary: "Read a person's state",
      role: "viewer",
      notFound: "No event of this person counts at this point in time.",
      input: { path: personPath, query: pointInTime },
      answer: naturalPerson,
      async handle({ path: { entityId }, query }) {
        const person = await findPerson(pool, entityId, query);
        return person ?? notFoundProblem("No event of this person counts at this point in time.");
      },
    }),
    operation({
      method: "get",
      path: "/natural-persons/{entityId}/events",
      operationId: "listNaturalPersonEvents",
      summary: "List a person's events",
      role: "viewer",
      description:
        "Ordered by time, then type, then id. The list is empty if the person is not known. A page ends when its events have a MiB. With `knownAt`, events that arrive while the pages are read do not change them.",
      input: {
        path: personPath,
        query: pointInTime.extend({
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
