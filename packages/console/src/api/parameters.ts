import { DEAD_LETTER_REASONS, parseTicks, type Ticks } from "@dossier/events";
import { z } from "zod";

/** Items on a page when the request does not say, and at the most. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/** Any text that Postgres can hold. */
export const text = z
  .string({
    error: ({ input }) =>
      input === undefined ? "is required" : Array.isArray(input) ? "must be given once" : "must be text",
  })
  .min(1, "must not be empty")
  .refine((given) => !given.includes("\0"), "must not contain NUL");

/** A number as people write it: `Number` alone also reads `0x10`, `1e2` and a blank. */
export function decimal<Bounds extends z.ZodType>(bounds: Bounds) {
  return z.preprocess(
    (given) => (typeof given === "string" && /^-?\d+(\.\d+)?$/.test(given) ? Number(given) : given),
    bounds,
  );
}

export const limit = decimal(
  z
    .int("must be a whole number")
    .min(1, "must be 1 or more")
    .max(MAX_LIMIT, `must be ${MAX_LIMIT} or less`)
    .default(DEFAULT_LIMIT),
).describe("How many items a page has at the most.");

/** An ISO 8601 time of up to seven fractional digits, exact to 100 ns; without a zone it is UTC. */
export const time = text.meta({ format: "date-time" }).transform((given, context): Ticks => {
  const ticks = parseTicks(given);
  if (ticks !== undefined) return ticks;
  const hint = / \d\d:\d\d$/.test(given) ? "; in a URL, + is written %2B" : "";
  const message = `must be an ISO 8601 time such as 2026-01-31T12:00:00Z${hint}`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

/** The moment of a read; without one, now. */
export const moment = z.strictObject({
  asOf: time.optional().describe("What was true then: only events of that time or before count."),
  knownAt: time
    .optional()
    .describe("What was known then: only what had been received at that time or before counts."),
});

export const deliveryPath = z.strictObject({ deliveryId: z.uuid("must be a UUID") });

/** Which dead letters a list shows, or a decision is about. */
export const deadLetterFilter = z.strictObject(
  {
    reason: z.enum(DEAD_LETTER_REASONS, `must be one of ${DEAD_LETTER_REASONS.join(", ")}`).optional(),
    event: text.optional().describe("The event's type, such as `NaturalPersonPending`."),
    entityId: text.optional(),
    since: time.optional().describe("Dead-lettered at that time or later."),
    before: time.optional().describe("Dead-lettered before that time."),
    text: text.optional().describe("The delivery's bytes or the message contain exactly this text."),
  },
  "must be an object",
);

/** Where a page begins: what `nextCursor` made of the same inside. */
export function cursor<Inside extends z.ZodType>(inside: Inside) {
  return text
    .transform((given, context): z.output<Inside> => {
      const parsed = inside.safeParse(json(Buffer.from(given, "base64url").toString()));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: "custom", message: "is not one that was given" });
      return z.NEVER;
    })
    .optional()
    .describe("Where the page begins: `nextCursor` of the page before. Without it, at the beginning.");
}

/** The cursor of the page that follows, or `null` where none does. */
export function nextCursor(inside: unknown): string | null {
  return inside === undefined ? null : Buffer.from(JSON.stringify(inside)).toString("base64url");
}

function json(given: string): unknown {
  try {
    return JSON.parse(given);
  } catch {
    return undefined;
  }
}
