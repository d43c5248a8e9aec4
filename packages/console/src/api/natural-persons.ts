import { formatTicks } from "@dossier/events";
import {
  COUNTED_UP_TO,
  countPersonDeliveries,
  countPersons,
  countUnlessAll,
  findPerson,
  listEvents,
  type PersonFilter,
  type Pool,
  type StuckAfterHours,
} from "@dossier/store";
import { z } from "zod";
import type { Caller } from "../auth.ts";
import { maskPerson } from "../masking/mask-json.ts";
import { count, naturalPerson, page, utc } from "./answers.ts";
import { openDeliveriesSearched } from "./deliveries.ts";
import { notFoundProblem, operation, type Operation, type Readable } from "./operation.ts";
import { cursor, limit, nextCursor, ofPerson, personPath, pointInTime, text, time } from "./parameters.ts";
import {
  personFilterOf,
  personQuery,
  personSearch,
  readPersonPage,
  searchFor,
  searchTerm,
} from "./person-filter.ts";
import { maskData } from "./personal-data.ts";

export const eventDelivery = z.object({
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

const deliveryCounts = z
  .object({ open: count, deadLettered: count, discarded: count, openDeliveriesSearched })
  .describe("Counts of now, at any `asOf` and `knownAt`: deliveries of the person that are not in the log.")
  .meta({ id: "PersonDeliveryCounts" });

const personDetail = naturalPerson.extend({ deliveries: deliveryCounts }).meta({ id: "NaturalPersonDetail" });

const personsFound = page(naturalPerson).extend({
  found: z
    .object({
      count: count.max(COUNTED_UP_TO),
      isMore: z.boolean().describe(`Whether there are more than ${COUNTED_UP_TO}, which are not counted.`),
    })
    .nullable()
    .optional()
    .describe("With `count` only: how many persons match, on all pages. `null` at an earlier time."),
});

const personPage = personsFound
  .extend({
    deliveries: deliveryCounts
      .optional()
      .describe("With `entityId` only: what the person's detail counts, also if the log has no such person."),
  })
  .meta({ id: "NaturalPersonPage" });

const eventQuery = pointInTime.extend({
  limit,
  cursor: cursor(z.strictObject({ ticks: time, event: text, id: text })),
});

const eventPage = page(event).meta({ id: "EventPage" });

const EVENTS =
  "Ordered by time, then type, then id. The list is empty if the person is not known. A page ends when its events have a MiB. With `knownAt`, events that arrive while the pages are read do not change them.";

const NOT_KNOWN = "No event of this person counts at this point in time.";

/** Reads of persons' states, also as they were at an earlier point in time. */
export function naturalPersonOperations(pool: Pool, stuckAfterHours: StuckAfterHours): readonly Operation[] {
  async function listEventsOf(
    entityId: string,
    { limit, cursor, ...at }: z.output<typeof eventQuery>,
  ): Promise<Readable<z.output<typeof eventPage>>> {
    const { events, next } = await listEvents(pool, entityId, at, { limit, after: cursor });
    return { items: events, nextCursor: nextCursor(next && { ...next, ticks: formatTicks(next.ticks) }) };
  }

  async function listPersonsFor(
    caller: Caller,
    given: z.output<typeof personQuery> & Pick<PersonFilter, "q" | "entityId">,
  ): Promise<Readable<z.output<typeof personsFound>>> {
    const { limit, cursor, sort, q, count: isCounted, ...filter } = given;
    const selected = { ...personFilterOf({ ...filter, sort }, stuckAfterHours), ...searchFor(caller, q) };
    const isPast = filter.asOf !== undefined || filter.knownAt !== undefined;
    const { persons, next } = await readPersonPage(pool, selected, { sort, limit, cursor });
    const shown = { listed: persons.length, isAll: cursor === undefined && next === null };
    const found =
      isCounted === true && !isPast ? await countUnlessAll(shown, () => countPersons(pool, selected)) : null;
    return {
      items: persons,
      nextCursor: next,
      ...(isCounted === true && { found }),
    };
  }

  return [
    operation({
      method: "get",
      path: "/natural-persons",
      operationId: "listNaturalPersons",
      summary: "List persons",
      role: "viewer",
      description:
        "Ordered by entity id, unless `sort` says otherwise. An id never changes, so reading all pages returns every person once. A page may have fewer items than `limit` although another page follows: it ends when it has a MiB, and with `asOf` or `knownAt` it may even have none.",
      input: {
        query: personQuery.extend({
          entityId: text.optional().describe("Only the person with this id at iComply."),
          q: searchTerm
            .optional()
            .describe(
              `${searchTerm.description} A URL is logged in many places: prefer \`/natural-persons/search\`.`,
            ),
        }),
      },
      answer: personPage,
      async handle({ query: { entityId, ...query } }, c) {
        const [persons, deliveries] = await Promise.all([
          listPersonsFor(c.get("caller"), { entityId, ...query }),
          entityId === undefined ? undefined : countPersonDeliveries(pool, entityId),
        ]);
        return { ...persons, ...(deliveries && { deliveries }) };
      },
      personal: (answer, { query }) => ({
        subject: query.entityId,
        mask: () => ({ ...answer, items: answer.items.map(maskPerson) }),
      }),
    }),
    operation({
      method: "post",
      path: "/natural-persons/search",
      operationId: "searchNaturalPersons",
      summary: "Search persons",
      role: "viewer",
      description:
        "As the list of persons, with the search term in the body: it is personal data, and a URL is logged in many places. Changes nothing.",
      input: { body: personSearch },
      answer: personsFound.meta({ id: "NaturalPersonSearch" }),
      handle: ({ body }, c) => listPersonsFor(c.get("caller"), body),
      personal: (answer) => ({ mask: () => ({ ...answer, items: answer.items.map(maskPerson) }) }),
    }),
    operation({
      method: "get",
      path: "/natural-persons/{entityId}",
      operationId: "getNaturalPerson",
      summary: "Read a person's state",
      role: "viewer",
      hasEtag: true,
      notFound: `${NOT_KNOWN} The detail counts the deliveries that name the person.`,
      input: { path: personPath, query: pointInTime },
      answer: personDetail,
      async handle({ path: { entityId }, query }) {
        const [person, deliveries] = await Promise.all([
          findPerson(pool, entityId, query),
          countPersonDeliveries(pool, entityId),
        ]);
        if (person !== undefined) return { ...person, deliveries };
        const { open, deadLettered, discarded } = deliveries;
        return notFoundProblem(
          `${NOT_KNOWN} Deliveries that name the person: ${open} open, ${deadLettered} dead letters, ${discarded} discarded.`,
        );
      },
      personal: ({ deliveries, ...person }, { path }) => ({
        subject: path.entityId,
        mask: () => ({ ...maskPerson(person), deliveries }),
      }),
    }),
    operation({
      method: "get",
      path: "/natural-persons/{entityId}/events",
      operationId: "listNaturalPersonEvents",
      summary: "List a person's events",
      role: "viewer",
      description: EVENTS,
      input: { path: personPath, query: eventQuery },
      answer: eventPage,
      handle: ({ path: { entityId }, query }) => listEventsOf(entityId, query),
      personal: (answer, { path }) => ({
        subject: path.entityId,
        mask: () => ({ ...answer, items: answer.items.map(maskData) }),
      }),
    }),
    operation({
      method: "get",
      path: "/events",
      operationId: "listEvents",
      summary: "List the events of the person that a parameter names",
      role: "viewer",
      description: `As \`/natural-persons/{entityId}/events\`. ${EVENTS}`,
      input: { query: eventQuery.extend(ofPerson) },
      answer: eventPage,
      handle: ({ query: { entityId, ...query } }) => listEventsOf(entityId, query),
      personal: (answer, { query }) => ({
        subject: query.entityId,
        mask: () => ({ ...answer, items: answer.items.map(maskData) }),
      }),
    }),
  ];
}
