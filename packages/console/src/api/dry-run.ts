import { isDeepStrictEqual } from "node:util";
import { describeError } from "@dossier/service";
import {
  countDeadLetters,
  DECISION_BATCH_SIZE,
  dryRunRedrive,
  pageDeadLetters,
  type DryRunResult,
  type PersonChange,
  type Pool,
} from "@dossier/store";
import { z } from "zod";
import { maskPerson } from "../masking/mask-json.ts";
import { HIDDEN } from "../masking/mask.ts";
import { count, naturalPerson } from "./answers.ts";
import type { Readable } from "./operation.ts";
import type { Selection } from "./selection.ts";

/** Deliveries that a dry run runs at most, so that it is answered within half a minute on a busy machine. */
const MAX_RUN = 5 * DECISION_BATCH_SIZE;

/** Persons, and unsettled deliveries, that an answer lists at most. */
const MAX_LISTED = 1_000;

/** Characters of JSON that the persons of an answer take at most. A person's state may take a million. */
const MAX_LISTED_LENGTH = 8 * 1024 * 1024;

const unsettledDelivery = z
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
  .meta({ id: "UnsettledDelivery" });

const personChange = z
  .object({
    entityId: z.string(),
    before: naturalPerson.nullable().describe("`null` if the person is not known yet."),
    after: naturalPerson,
  })
  .meta({ id: "PersonChange" });

/** What a dry run of a redrive answers. */
export const redriveDryRun = z.object({
  dryRun: z.literal(true),
  outcomes: z
    .partialRecord(z.enum(["applied", "duplicate", "dead-lettered", "failed", "not-dead-lettered"]), count)
    .describe("How many deliveries would have each outcome; all that were run are counted."),
  notRun: count.describe(`How many more are selected: the latest ${MAX_RUN} are run.`),
  persons: z
    .array(personChange)
    .describe(
      `The persons whose state would change, ${MAX_LISTED} and ${MAX_LISTED_LENGTH} characters of JSON at most; per batch of ${DECISION_BATCH_SIZE} deliveries, if a filter selects more.`,
    ),
  personsOmitted: count.describe("The persons who may change and for whom `persons` had no room."),
  unsettled: z
    .array(unsettledDelivery)
    .describe(`The deliveries that would not be settled, ${MAX_LISTED} at most.`),
});

export type RedriveDryRun = z.infer<typeof redriveDryRun>;

/**
 * Finds out what redriving these deliveries would do, and changes nothing. Each batch runs in a transaction of its own,
 * which does not see what the batches before it would have done: a person is listed once for each batch that changes them.
 */
export async function dryRunSelection(
  pool: Pool,
  { deliveryIds, filter = {} }: Selection,
  maxRun = MAX_RUN,
): Promise<Readable<RedriveDryRun>> {
  const total = deliveryIds ? 0 : sum(Object.values(await countDeadLetters(pool, filter)));
  const batches = deliveryIds
    ? [[...new Set(deliveryIds)]]
    : pageDeadLetters(pool, filter, Math.min(DECISION_BATCH_SIZE, maxRun));
  const outcomes: Partial<Record<DryRunResult["outcome"], number>> = {};
  const persons = createChangeList();
  const unsettled: z.output<typeof unsettledDelivery>[] = [];
  let run = 0;
  for await (const batch of batches) {
    const ids = batch.map((each) => (typeof each === "string" ? each : each.deliveryId));
    for await (const result of dryRunRedrive(pool, ids)) {
      outcomes[result.outcome] = (outcomes[result.outcome] ?? 0) + 1;
      if (isSettled(result)) persons.add(result.change);
      else if (unsettled.length < MAX_LISTED) unsettled.push(formatFailure(result));
    }
    persons.endBatch();
    run += ids.length;
    if (run >= maxRun) break;
  }
  const { listed, omitted: personsOmitted } = persons;
  const notRun = Math.max(0, total - run);
  return { dryRun: true, outcomes, notRun, persons: listed, personsOmitted, unsettled };
}

export function maskDryRun(answer: Readable<RedriveDryRun>): Readable<RedriveDryRun> {
  const persons = answer.persons.map(({ entityId, before, after }) => ({
    entityId,
    before: before && maskPerson(before),
    after: maskPerson(after),
  }));
  const unsettled = answer.unsettled.map((one) =>
    one.outcome === "failed"
      ? { ...one, error: { type: one.error.type, code: one.error.code, message: HIDDEN } }
      : one,
  );
  return { ...answer, persons, unsettled };
}

function formatFailure(result: Exclude<DryRunResult, Settled>): z.output<typeof unsettledDelivery> {
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

/** Lists each person's state before a batch's first change and after its last, as far as there is room. */
function createChangeList() {
  const listed: PersonChange[] = [];
  let omitted = 0;
  let room = MAX_LISTED_LENGTH;
  /** Of this batch; `undefined` for a person who had no room. */
  let changes = new Map<string, PersonChange | undefined>();

  return {
    listed,
    get omitted() {
      return omitted;
    },
    add(change: PersonChange | undefined): void {
      if (change === undefined) return;
      const { entityId, after } = change;
      const known = changes.get(entityId);
      if (known !== undefined) room += lengthOf(known);
      const merged = { entityId, before: (known ?? change).before, after };
      const isOmitted = (changes.has(entityId) && known === undefined) || lengthOf(merged) > room;
      changes.set(entityId, isOmitted ? undefined : merged);
      if (!isOmitted) room -= lengthOf(merged);
    },
    endBatch(): void {
      for (const change of changes.values()) {
        if (change === undefined) omitted += 1;
        else if (isDeepStrictEqual(change.before, change.after)) room += lengthOf(change);
        else if (listed.length < MAX_LISTED) listed.push(change);
        else omitted += 1;
      }
      changes = new Map();
    },
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

function lengthOf(change: PersonChange): number {
  return JSON.stringify(change).length;
}
