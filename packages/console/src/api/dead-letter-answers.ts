import { z } from "zod";
import { naturalPerson, page, utc } from "./answers.ts";
import { components } from "./operation.ts";

export const DEAD_LETTER_REASONS = [
  "unparsable",
  "invalid-event",
  "conflicting-duplicate",
  "fold-failed",
  "stalled",
] as const;

const count = z.int().min(0);

export const deadLetterCounts = z
  .partialRecord(z.enum(DEAD_LETTER_REASONS), count)
  .describe("Exact, by reason; a reason that no delivery has is left out.");

const death = z.object({
  reason: z.enum(DEAD_LETTER_REASONS),
  message: z.string(),
  event: z
    .string()
    .nullable()
    .describe("The event's type, where it could be read; so for `id` and `entityId`."),
  id: z.string().nullable(),
  entityId: z.string().nullable(),
  deadLetteredAt: utc,
  codeVersion: z.string().describe("The version of the code that it died by."),
});

export const deadLetterPage = page(
  death
    .extend({ deliveryId: z.uuid(), receivedAt: utc })
    .describe("A delivery that is dead now, and its last death.")
    .register(components, { id: "DeadLetter" }),
)
  .extend({ counts: deadLetterCounts })
  .register(components, { id: "DeadLetterPage" });

export const deliveryHistory = z
  .object({
    deliveryId: z.uuid(),
    outcome: z
      .enum(["open", "applied", "duplicate", "dead-lettered", "discarded"])
      .describe("How it stands now."),
    receivedAt: utc,
    body: z.object({
      base64: z.string().meta({ contentEncoding: "base64", description: "The exact bytes." }),
      text: z.string().describe("The same, read as UTF-8."),
    }),
    headers: z.record(z.string(), z.string()),
    verifiedBy: z.string(),
    secretFingerprint: z.string(),
    deadLetters: z.array(
      death.extend({
        issues: z
          .array(z.object({ path: z.string(), message: z.string() }))
          .describe("What did not fit in the payload."),
      }),
    ),
    attempts: z.array(
      z.object({
        attempt: z.int().min(1),
        failedAt: utc,
        error: z.string(),
        stack: z.string().nullable(),
        codeVersion: z.string(),
      }),
    ),
    decisions: z.array(
      z.object({
        action: z.enum(["redrive", "discard"]),
        operator: z.string(),
        reason: z.string(),
        at: utc,
      }),
    ),
  })
  .describe("A delivery that died at least once, with all that happened to it, and what people did about it.")
  .register(components, { id: "DeliveryHistory" });

const placed = {
  deliveryId: z.uuid(),
  change: z
    .object({ entityId: z.string(), before: naturalPerson.nullable(), after: naturalPerson })
    .optional()
    .describe("What would change for the person."),
};

const result = z
  .discriminatedUnion("outcome", [
    z.object({ outcome: z.literal("applied"), ...placed }),
    z.object({ outcome: z.literal("duplicate"), ...placed }),
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
        type: z.string(),
        code: z.string().optional(),
        message: z.string(),
        stack: z.string().optional(),
        cause: z.unknown().optional().describe("Another such error."),
      }),
    }),
    z.object({ outcome: z.literal("not-dead-lettered"), deliveryId: z.uuid() }),
  ])
  .describe("What a redrive would do to one delivery.")
  .register(components, { id: "DryRunResult" });

export const redriven = z
  .discriminatedUnion("dryRun", [
    z.object({ dryRun: z.literal(false), redriven: count.describe("How many deliveries are open again.") }),
    z.object({
      dryRun: z.literal(true),
      outcomes: z.record(z.string(), count).describe("How many deliveries would end so; all are counted."),
      items: z.array(result).describe("The first 1,000, one by one."),
    }),
  ])
  .register(components, { id: "Redriven" });

export const discarded = z.object({ discarded: z.literal(1) }).register(components, { id: "Discarded" });
