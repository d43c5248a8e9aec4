import { TICKS_PER_MILLISECOND, TICKS_PER_SECOND, type Ticks } from "@dossier/events";
import { INSTANCE_STATES, listInstances, PAUSE_REASONS, readMinutes, type Pool } from "@dossier/store";
import { z } from "zod";
import { count, page, utc } from "./answers.ts";
import { operation, type Operation } from "./operation.ts";
import { cursor, decimal, limit, nextCursor, time, wholeNumber } from "./parameters.ts";

const instancePage = page(
  z
    .object({
      instanceId: z.uuid().describe("Of one start of the service."),
      service: z.string(),
      version: z.string(),
      host: z.string(),
      pid: count,
      state: z
        .enum(INSTANCE_STATES)
        .describe(
          "`alive` if it was seen within 30 s; `stopped` by a clean shutdown; `lost` if it was killed, hangs or cannot reach Postgres.",
        ),
      startedAt: utc.describe("When it first reported itself."),
      lastSeenAt: utc,
      stoppedAt: utc.nullable(),
      pausedBecause: z
        .enum(PAUSE_REASONS)
        .nullable()
        .describe("Why it does no work; `null` while it works. Its log says more."),
      jobs: count.describe("The jobs that it holds."),
      rate: z
        .number()
        .nullable()
        .describe(
          "Webhooks answered, or outcomes of deliveries, per second since the report before; `null` for the console.",
        ),
      settings: z
        .record(z.string(), z.string())
        .describe(
          "Its configuration, by the variable's name. Secrets, and what may hold one, are not shown.",
        ),
    })
    .meta({ id: "Instance" }),
).meta({ id: "InstancePage" });

export type InstancePage = z.infer<typeof instancePage>;

const instancePosition = z.strictObject({
  startedTicks: z
    .string()
    .regex(/^\d{1,18}$/)
    .transform(BigInt),
  instanceId: z.uuid(),
});

const MAX_SECONDS = 2_592_000;

const seenWithinSeconds = decimal(wholeNumber(MAX_SECONDS).optional()).describe(
  "Leaves out those that were last seen longer ago: 30 leaves those alive, and those just stopped.",
);

/** A day, and the minute that it begins in. */
const MAX_MINUTES = 1_441;
const MINUTE = 60n * TICKS_PER_SECOND;
const HOUR = 60n * MINUTE;
const DAY = 24n * HOUR;

const counts = z.record(z.string(), count);

const minutes = z
  .object({
    items: z
      .array(
        z.object({
          minute: utc.describe("When the minute began."),
          accepted: count.describe("Webhooks that were accepted."),
          refused: counts.describe("Webhooks that were refused, by reason."),
          outcomes: counts.describe("Attempts to settle a delivery, by outcome."),
          receiptToStateMs: z
            .object({ p50: count, p99: count })
            .nullable()
            .describe(
              "Within how many milliseconds from its receipt half of the applied deliveries, and 99 of 100, were in their person's state: upper bounds of a histogram's buckets. `null` if none was applied.",
            ),
        }),
      )
      .max(MAX_MINUTES),
  })
  .meta({ id: "InstanceMinutes" });

const timeRange = z
  .strictObject({
    from: time
      .optional()
      .describe("The first minute holds this ISO 8601 time. Default: an hour before `to`, or before now."),
    to: time
      .optional()
      .describe("The last minute begins before this ISO 8601 time. Default: a day after `from`, or now."),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || to - from <= DAY, {
    path: ["to"],
    message: "must be at most a day after `from`",
  });

/** Returns a range of whole minutes, as a chart begins and ends. */
function rangeOf({ from, to }: z.output<typeof timeRange>): { from: Ticks; to: Ticks } {
  const end = to ?? (from === undefined ? BigInt(Date.now()) * TICKS_PER_MILLISECOND : from + DAY);
  const start = from ?? end - HOUR;
  return { from: start - (start % MINUTE), to: end };
}

/** Reads of what the processes of ingest, worker and console report of themselves. */
export function instanceOperations(pool: Pool): readonly Operation[] {
  return [
    operation({
      method: "get",
      path: "/instances",
      operationId: "listInstances",
      summary: "List the instances of ingest, worker and console",
      role: "viewer",
      description: "Those of the last 30 days, the last started first. Each reports itself every 5 s.",
      input: { query: z.strictObject({ limit, cursor: cursor(instancePosition), seenWithinSeconds }) },
      answer: instancePage,
      async handle({ query: { limit, cursor, seenWithinSeconds } }) {
        const { items, next } = await listInstances(pool, { limit, after: cursor, seenWithinSeconds });
        const position = next && { ...next, startedTicks: String(next.startedTicks) };
        return { items, nextCursor: nextCursor(position) };
      },
    }),
    operation({
      method: "get",
      path: "/instance-minutes",
      operationId: "listInstanceMinutes",
      summary: "Sum what all instances did in each minute",
      role: "viewer",
      description:
        "Of at most a day; kept for 30 days. A minute in which nothing was counted is left out. An instance reports its counts every 5 s.",
      input: { query: timeRange },
      answer: minutes,
      handle: async ({ query }) => ({ items: await readMinutes(pool, rangeOf(query)) }),
    }),
  ];
}
