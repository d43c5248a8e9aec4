/** What the API says of each kind of decision, and how it answers. */
import type { DecisionAction, Pool } from "@dossier/store";
import { z } from "zod";
import type { Decided } from "../decide.ts";
import { count } from "./answers.ts";
import { dryRunSelection, maskDryRun, redriveDryRun } from "./dry-run.ts";
import type { Readable } from "./operation.ts";
import type { PersonalData } from "./personal-data.ts";
import type { Selection } from "./selection.ts";

/** One kind of decision, as the API describes and answers it. */
export interface DecisionKind<Answer extends z.ZodType> {
  readonly action: DecisionAction;
  readonly names: { readonly many: string; readonly one: string };
  readonly summaries: { readonly many: string; readonly one: string };
  readonly description: string;
  /** What 404 means. */
  readonly notFound: string;
  readonly answer: Answer;
  format(decided: Decided, dryRun: boolean): Readable<z.output<Answer>>;
  /** What of an answer is personal data; default: nothing. */
  personal?(answer: Readable<z.output<Answer>>): PersonalData<Readable<z.output<Answer>>> | undefined;
  /** Default: counts what is selected. */
  dryRun?(selection: Selection): Promise<Readable<z.output<Answer>>>;
}

const notDeadLettered = z
  .array(z.uuid())
  .optional()
  .describe("Those of the request's `deliveryIds` that are not dead letters; only if it has any.");

const redriveResult = z
  .discriminatedUnion("dryRun", [
    z.object({
      dryRun: z.literal(false),
      redriven: count.describe("How many deliveries are open again."),
      notEnqueued: count.describe(
        "How many of them the queue may not have taken; the sweeper enqueues these.",
      ),
      notDeadLettered,
    }),
    redriveDryRun,
  ])
  .meta({ id: "RedriveResult" });

export type RedriveResult = z.infer<typeof redriveResult>;

const discardResult = z
  .discriminatedUnion("dryRun", [
    z.object({
      dryRun: z.literal(false),
      discarded: count.describe("How many deliveries are discarded."),
      jobsLeft: count.describe("How many of them may still have a job in the queue, which has no effect."),
      notDeadLettered,
    }),
    z.object({
      dryRun: z.literal(true),
      discarded: count.describe("How many would be discarded."),
      notDeadLettered,
    }),
  ])
  .meta({ id: "DiscardResult" });

export type DiscardResult = z.infer<typeof discardResult>;

const restoreResult = z
  .object({
    dryRun: z.boolean(),
    restored: count.describe("How many deliveries are dead letters again, or would be."),
    notDiscarded: z
      .array(z.uuid())
      .optional()
      .describe("Those of the request's `deliveryIds` that are not discarded; only if it has any."),
  })
  .meta({ id: "RestoreResult" });

export type RestoreResult = z.infer<typeof restoreResult>;

const DRY_RUN =
  "A dry run settles the deliveries with this version of the code in a transaction that is rolled back, and answers what would change for each person and which deliveries would fail again. Each delivery sees what those before it would have done.";

const NOT_DEAD_LETTERED = "The delivery is not a dead letter.";

export function redriveKind(pool: Pool) {
  return {
    action: "redrive",
    names: { many: "redriveDeadLetters", one: "redriveDeadLetter" },
    summaries: {
      many: "Redrive the dead letters that a filter selects, or that are named",
      one: "Redrive a dead letter",
    },
    description: `Each is open again with all its attempts, and gets a job of its own. ${DRY_RUN}`,
    notFound: `${NOT_DEAD_LETTERED} A dry run answers this as \`not-dead-lettered\`.`,
    answer: redriveResult,
    format: ({ decided, queueMissed, missed }: Decided) => ({
      dryRun: false as const,
      redriven: decided,
      notEnqueued: queueMissed,
      ...(missed && { notDeadLettered: missed }),
    }),
    dryRun: (selection) => dryRunSelection(pool, selection),
    personal: (answer) => (answer.dryRun ? { mask: () => maskDryRun(answer) } : undefined),
  } satisfies DecisionKind<typeof redriveResult>;
}

export const discardKind = {
  action: "discard",
  names: { many: "discardDeadLetters", one: "discardDeadLetter" },
  summaries: {
    many: "Discard the dead letters that a filter selects, or that are named",
    one: "Discard a dead letter",
  },
  description:
    "Discarded deliveries are no longer listed and cannot be redriven; their history stays readable, and a restore undoes it.",
  notFound: NOT_DEAD_LETTERED,
  answer: discardResult,
  format: ({ decided, queueMissed, missed }: Decided, dryRun: boolean) => ({
    ...(dryRun ? { dryRun } : { dryRun, jobsLeft: queueMissed }),
    discarded: decided,
    ...(missed && { notDeadLettered: missed }),
  }),
} satisfies DecisionKind<typeof discardResult>;

export const restoreKind = {
  action: "restore",
  names: { many: "restoreDeadLetters", one: "restoreDeadLetter" },
  summaries: {
    many: "Restore the discarded deliveries that a filter selects, or that are named",
    one: "Restore a discarded delivery",
  },
  description: "Undoes a discard: the delivery is a dead letter again, to be redriven or discarded.",
  notFound: "The delivery is not discarded.",
  answer: restoreResult,
  format: ({ decided, missed }: Decided, dryRun: boolean) => ({
    dryRun,
    restored: decided,
    ...(missed && { notDiscarded: missed }),
  }),
} satisfies DecisionKind<typeof restoreResult>;
