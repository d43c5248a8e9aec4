import { isDeepStrictEqual } from "node:util";
import { describeError } from "@dossier/service";
import { dryRunRedrive, type DryRunResult, type PersonChange, type Pool } from "@dossier/store";
import { z } from "zod";
import { count, naturalPerson } from "./answers.ts";
import { type Readable } from "./operation.ts";

/** Deliveries that one transaction decides about, or tries. */
export const BATCH_SIZE = 500;

/** Persons, and failing deliveries, that an answer lists at most. */
const MAX_LISTED = 1_000;

const failingDelivery = z
  .discriminatedUnion("outcome", [
    z.object({
      outcome: z.literal("dead-lettered"),
      deliveryId: z.uuid(),
      reason: z.string(),
      message: z.string(),
    }),
    z.object({
      outcome: z.literal("failed"),
      deliveryId: z.uuid(),
      error: z.object({
        type: z.string().describe("The error's class."),
        code: z.string().optional(),
        message: z.string(),
        stack: z.string().optional(),
        cause: z.unknown().optional().describe("Another such error."),
      }),
    }),
    z.object({ outcome: z.literal("not-dead-lettered"), deliveryId: z.uuid() }),
  ])
  .describe("A delivery that a redrive would not settle.")
  .meta({ id: "FailingDelivery" });

const personChange = z
  .object({
    entityId: z.string(),
    before: naturalPerson.nullable().describe("`null` if the person is not known yet."),
    after: naturalPerson,
  })
  .meta({ id: "PersonChange" });

/** Ids of deliveries, as many at a time as one transaction takes. */
export type Batches = AsyncIterable<readonly string[]> | Iterable<readonly string[]>;

/** What a dry run of a redrive answers. */
export const redriveDryRun = z.object({
  dryRun: z.literal(true),
  outcomes: z
    .partialRecord(z.enum(["applied", "duplicate", "dead-lettered", "failed", "not-dead-lettered"]), count)
    .describe("How many deliveries would have each outcome; all are counted."),
  persons: z
    .array(personChange)
    .describe(
      `The persons whose state would change, ${MAX_LISTED} at most; per batch of ${BATCH_SIZE} deliveries, if a filter selects more.`,
    ),
  failing: z
    .array(failingDelivery)
    .describe(`The deliveries that would not be settled, ${MAX_LISTED} at most.`),
});

export type RedriveDryRun = z.infer<typeof redriveDryRun>;

/**
 * Finds out what redriving these deliveries would do, and changes nothing. Each batch runs in a transaction of its own,
 * which does not see what the batches before it would have done: a person is listed once for each batch that changes them.
 */
export async function dryRunBatches(
  pool: Pool,
  batches: Batches,
): Promise<Readable<z.output<typeof redriveDryRun>>> {
  const outcomes: Partial<Record<DryRunResult["outcome"], number>> = {};
  const persons: PersonChange[] = [];
  const failing: z.output<typeof failingDelivery>[] = [];
  for await (const deliveryIds of batches) {
    const changes = new Map<string, PersonChange>();
    for (const result of await dryRunRedrive(pool, deliveryIds)) {
      outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
      if (isSettled(result)) merge(changes, result.change);
      else if (failing.length < MAX_LISTED) failing.push(formatFailure(result));
    }
    persons.push(...[...changes.values()].filter(isChange).slice(0, MAX_LISTED - persons.length));
  }
  return { dryRun: true, outcomes, persons, failing };
}

function formatFailure(result: Exclude<DryRunResult, Settled>): z.output<typeof failingDelivery> {
  const { deliveryId, outcome } = result;
  switch (outcome) {
    case "dead-lettered":
      return { deliveryId, outcome, reason: result.reason, message: result.message };
    case "failed":
      return { deliveryId, outcome, error: describeError(result.error) };
    case "not-dead-lettered":
      return { deliveryId, outcome };
  }
}

type Settled = Extract<DryRunResult, { readonly outcome: "applied" | "duplicate" }>;

function isSettled(result: DryRunResult): result is Settled {
  return result.outcome === "applied" || result.outcome === "duplicate";
}

/** Keeps the state of each person before the batch's first change and after its last. */
function merge(changes: Map<string, PersonChange>, change: PersonChange | undefined): void {
  if (change === undefined) return;
  const { entityId } = change;
  const { before } = changes.get(entityId) ?? change;
  changes.set(entityId, { ...change, before });
}

function isChange({ before, after }: PersonChange): boolean {
  return !isDeepStrictEqual(before, after);
}
