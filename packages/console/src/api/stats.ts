import { STATUSES, type Status } from "@dossier/events";
import type { DeliveryQueue } from "@dossier/queue";
import { readStats, type Pool } from "@dossier/store";
import { z } from "zod";
import { count } from "./answers.ts";
import { deadLetterCounts } from "./dead-letters.ts";
import { operation, type Operation } from "./operation.ts";

/** `z.record` would lose the keys in the API's document. */
const personCounts = z.object(
  Object.fromEntries(STATUSES.map((status) => [status, count])) as Record<Status, typeof count>,
);

export const queueJobs = z.object({
  backend: z.enum(["redis", "postgres"]),
  jobs: z
    .object({ waiting: count, active: count, delayed: count, failed: count, completed: count })
    .nullable()
    .describe("`null` if the queue does not answer."),
});

const stats = z
  .object({
    deliveries: z.object({
      open: count.describe("Accepted, but not settled yet."),
      failing: count.describe("Those of the open ones that `/failing-deliveries` lists."),
      overdue: count.describe(
        "Those of the open ones that have been due for more than 30 s: workers hold them, or their jobs are lost.",
      ),
      oldestOpenSeconds: z
        .number()
        .nullable()
        .describe(
          "How long the oldest is open, since its receipt or its last redrive; `null` if there is none.",
        ),
      deadLettered: count,
      discarded: count,
      applied: count,
      duplicate: count,
      total: count,
    }),
    deadLetters: deadLetterCounts,
    naturalPersons: personCounts,
    events: z.object({
      total: count,
      unrecognised: z
        .record(z.string(), count)
        .describe("By type, for the types that this version does not know."),
    }),
    feed: z.object({
      lastPosition: count,
      behindSeconds: z.number().describe("The age of the oldest commit that is not in the change feed yet."),
    }),
    rebuild: z
      .object({
        needed: z.boolean(),
        outdatedPersons: count.describe(
          "Persons whose state another version of the fold made, counted up to 1,000.",
        ),
        unfoldedPersons: count.describe("Persons of the log who have no state."),
        eventsKnownNow: z
          .record(z.string(), count)
          .describe(
            "By type, counted up to 1,000: events that this version knows, and the one that received them did not.",
          ),
      })
      .describe("Whether `dossier rebuild` is needed, as after an update."),
    queue: queueJobs,
  })
  .meta({ id: "Stats" });

export type StatsAnswer = z.infer<typeof stats>;

/** Counts of the record, and of the queue if it answers. */
export function statsOperation(pool: Pool, queue: DeliveryQueue): Operation {
  return operation({
    method: "get",
    path: "/stats",
    operationId: "getStats",
    summary: "Count deliveries, persons, events and jobs",
    role: "viewer",
    input: { query: z.strictObject({}) },
    answer: stats,
    async handle() {
      const [record, jobs] = await Promise.all([readStats(pool), queue.counts().catch(() => null)]);
      return { ...record, queue: { backend: queue.backend, jobs } };
    },
  });
}
