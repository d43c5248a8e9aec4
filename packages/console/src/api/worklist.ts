import { STATUSES } from "@dossier/events";
import {
  listDecisionsNeeded,
  listWaitingPersons,
  readHealth,
  type Pool,
  type StuckAfterHours,
} from "@dossier/store";
import { z } from "zod";
import { count, utc } from "./answers.ts";
import { operation, type Operation } from "./operation.ts";

/** Of each step. */
const STUCK_LISTED = 10;

const bounded = {
  count: count.describe("Exact up to 10,000."),
  isMore: z.boolean().describe("Whether there are more than `count`."),
};

const worklist = z
  .object({
    health: z.object({
      lastAcceptedAt: utc.nullable().describe("When the last webhook was accepted; `null` if none ever was."),
      longestGapSeconds: z
        .number()
        .nullable()
        .describe(
          "Between two webhooks in the last 24 hours, by whole minutes; `null` if that is not known.",
        ),
      open: z.object(bounded).describe("Deliveries that are not settled yet."),
      oldestOpenAt: utc
        .nullable()
        .describe("Since when the oldest is open: its receipt, or its last redrive; `null` if none is."),
      refused: z
        .array(z.object({ reason: z.string(), count, oldestAt: utc, newestAt: utc }))
        .describe("Webhooks that were refused in the last 24 hours, by reason; the times are whole minutes."),
    }),
    decisions: z
      .array(
        z.object({
          kind: z.enum(["dead-letter", "person-to-review", "unknown-type", "failing", "snoozed"]),
          name: z.string().describe("A dead letter's reason, or an unknown event type; else empty."),
          ...bounded,
          oldestAt: utc,
          newestAt: utc.nullable().describe("`null` if there are too many to tell."),
        }),
      )
      .describe("What needs a person, the most of each kind first."),
    persons: z
      .array(z.object({ status: z.enum(STATUSES), ...bounded }))
      .describe("How many have each status."),
    stuck: z
      .array(
        z.object({
          status: z.enum(STATUSES),
          afterHours: z.number(),
          ...bounded,
          longest: z.array(z.object({ entityId: z.string(), lastEventAt: utc })),
        }),
      )
      .describe("Persons without an event for longer than STUCK_AFTER_HOURS, by step, and those longest so."),
  })
  .meta({ id: "Worklist" });

/** What needs a person now, and whether webhooks arrive and are settled. */
export function worklistOperation(pool: Pool, stuckAfterHours: StuckAfterHours): Operation {
  return operation({
    method: "get",
    path: "/worklist",
    operationId: "getWorklist",
    summary: "Read what needs a person now",
    role: "viewer",
    description:
      "What the console's first page says; `/instances`, `/instance-minutes` and `/queue` have the rest of it.",
    input: { query: z.strictObject({}) },
    answer: worklist,
    async handle() {
      const options = { stuckAfterHours, limit: STUCK_LISTED, now: Date.now() };
      const [health, decisions, { counts, stuck }] = await Promise.all([
        readHealth(pool),
        listDecisionsNeeded(pool),
        listWaitingPersons(pool, options),
      ]);
      return { health, decisions, persons: counts, stuck };
    },
  });
}
