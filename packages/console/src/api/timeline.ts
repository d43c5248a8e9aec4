import type { JsonDifference } from "@dossier/events";
import { readTimeline, type Pool } from "@dossier/store";
import { z } from "zod";
import { maskDifferences, maskPerson } from "../masking/mask-json.ts";
import { count, naturalPerson, utc } from "./answers.ts";
import { eventDelivery } from "./natural-persons.ts";
import { notFoundProblem, operation, type Operation } from "./operation.ts";
import { limit, personPath, pointInTime } from "./parameters.ts";

const difference = z
  .object({
    path: z.string().describe("Names and indexes, joined by dots: `identityDocuments.0.uploadedAt`."),
    before: z.unknown().optional().describe("Absent if there was nothing."),
    after: z.unknown().optional().describe("Absent if there is nothing any more."),
  })
  .meta({ id: "Difference" });

const entry = z
  .object({
    event: z.string(),
    id: z.string(),
    happenedAt: utc.describe("The earliest time in its deliveries."),
    receivedAt: utc.describe("When its first delivery was received."),
    deliveries: z.array(eventDelivery).describe("All its deliveries, in the order of the log."),
    outOfOrder: z.boolean().describe("Whether the log had a later event of the person before it."),
    knownType: z.boolean(),
    when: z
      .enum(["counts", "happened-later", "not-known-yet"])
      .describe("Whether it counts at the point in time; if not, why."),
    changes: z
      .array(difference)
      .describe(
        "How it changed the state, as known at the point in time. `version`, `firstEventAt` and `lastEventAt` are left out.",
      ),
  })
  .meta({ id: "TimelineEntry" });

const timeline = z
  .object({
    person: naturalPerson
      .nullable()
      .describe("The state at the point in time; `null` if nothing was known of the person."),
    entries: z.array(entry).describe("In the person's order."),
    earlier: count.describe("How many events are before the first entry: `asOf` an earlier time has them."),
    later: count.describe("How many events are after the last entry."),
  })
  .meta({ id: "Timeline" });

const NOT_KNOWN = "The log has no event of this person.";

/** A person's events with what each changed. */
export function timelineOperation(pool: Pool): Operation {
  return operation({
    method: "get",
    path: "/natural-persons/{entityId}/timeline",
    operationId: "getTimeline",
    summary: "Read what each event of a person changed",
    role: "viewer",
    description:
      "The last events before the point in time, and up to 20 after it. Fewer than `limit` if what they changed has more than a MiB.",
    notFound: NOT_KNOWN,
    input: { path: personPath, query: pointInTime.extend({ limit }) },
    answer: timeline,
    async handle({ path: { entityId }, query: { limit, ...at } }) {
      const found = await readTimeline(pool, entityId, at, limit);
      return found === undefined ? notFoundProblem(NOT_KNOWN) : { ...found, person: found.person ?? null };
    },
    personal: ({ person, entries, ...others }, { path }) => ({
      subject: path.entityId,
      mask: () => ({
        ...others,
        person: person && maskPerson(person),
        entries: entries.map((one) => ({
          ...one,
          changes: maskDifferences(one.changes as readonly JsonDifference[]),
        })),
      }),
    }),
  });
}
