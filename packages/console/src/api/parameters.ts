import { DEAD_LETTER_REASONS, parseTicks, type Ticks } from "@dossier/events";
import { z } from "zod";
import { parsePersonSegment } from "../person-path.ts";

const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 500;

/** Any text that Postgres can store. */
export const text = z
  .string({
    error: ({ input }) => {
      if (input === undefined) return "is required";
      return Array.isArray(input) ? "must not be repeated" : "must be text";
    },
  })
  .min(1, "must not be empty")
  .refine((value) => !value.includes("\0"), "must not contain NUL");

/** Parses plain decimal numbers alone: `Number` accepts `0x10`, `1e2` and blanks as well. */
export function decimal<Bounds extends z.ZodType>(bounds: Bounds) {
  return z.preprocess(
    (value) => (typeof value === "string" && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value),
    bounds,
  );
}

/** A whole number, from 1. Whatever is wrong with one, a client is answered the range, once. */
export function wholeNumber(max: number) {
  return z
    .int({ error: `must be a whole number from 1 to ${max}`, abort: true })
    .min(1)
    .max(max);
}

export const limit = decimal(wholeNumber(MAX_LIMIT).default(DEFAULT_LIMIT)).describe(
  "How many items a page has at most; `nextCursor` says whether another page follows.",
);

/** An ISO 8601 time with up to seven fractional digits (100 ns); UTC if it names no zone. */
export const time = text.meta({ format: "date-time" }).transform((value, context): Ticks => {
  const ticks = parseTicks(value);
  if (ticks !== undefined) return ticks;
  const hint = / \d\d:\d\d$/.test(value) ? "; in a URL, + is written %2B" : "";
  const message = `must be an ISO 8601 time such as 2026-01-31T12:00:00Z${hint}`;
  context.addIssue({ code: "custom", message });
  return z.NEVER;
});

export const pointInTime = z.strictObject({
  asOf: time
    .optional()
    .describe("What was true at this ISO 8601 time: later events do not count. Default: now."),
  knownAt: time
    .optional()
    .describe("What was known at this ISO 8601 time: deliveries received later do not count. Default: now."),
});

/** In lower case, as Postgres returns it. */
export const deliveryId = z.uuid("must be a UUID").toLowerCase();

export const deliveryPath = z.strictObject({ deliveryId });

export const personPath = z.strictObject({
  entityId: text
    .describe(
      "The person's id at iComply, percent-encoded. One more `~` stands before an id that is `.`, `..`, `search` or `export`, or one of these with tildes before it: `~.` is the person `.`, and `~~.` the person `~.`.",
    )
    .transform(parsePersonSegment),
});

/** Selects one person by a parameter. */
export const ofPerson = { entityId: text.describe("The person's id at iComply.") };

/** Selects dead letters, for a list or for a decision. */
export const deadLetterFilter = z.strictObject(
  {
    reason: z.enum(DEAD_LETTER_REASONS, `must be one of ${DEAD_LETTER_REASONS.join(", ")}`).optional(),
    event: text.optional().describe("The event's type, such as `NaturalPersonPending`."),
    entityId: text.optional(),
    since: time.optional().describe("Dead-lettered at this time or later."),
    before: time.optional().describe("Dead-lettered before this time."),
    text: text.optional().describe("The delivery's bytes or the message contain exactly this text."),
  },
  "must be an object",
);

/** A filter as a client sends it. */
export type DeadLetterQuery = z.input<typeof deadLetterFilter>;

/** The opaque parameter that continues a list; `nextCursor` encodes the position that `position` parses. */
export function cursor<Position extends z.ZodType>(position: Position) {
  return text
    .transform((value, context): z.output<Position> => {
      const parsed = position.safeParse(parseJson(Buffer.from(value, "base64url").toString()));
      if (parsed.success) return parsed.data;
      context.addIssue({ code: "custom", message: "is not a cursor of this list" });
      return z.NEVER;
    })
    .optional()
    .describe("`nextCursor` of the page before. Default: the first page.");
}

/** Returns the cursor of the next page, which begins after `position`; `null` if there is none. */
export function nextCursor(position: unknown): string | null {
  return position === undefined ? null : Buffer.from(JSON.stringify(position)).toString("base64url");
}

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
