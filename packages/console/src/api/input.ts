import { parseTicks, type Ticks } from "@dossier/events";
import { problem } from "@dossier/service";
import { HTTPException } from "hono/http-exception";
import { z } from "zod";

/** Items on a page when the request does not say, and at the most. */
const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 500;

/** `limit`: how many items a page has. */
export const limit = z.coerce
  .number("must be a whole number")
  .int("must be a whole number")
  .min(1, "must be 1 or more")
  .max(MAX_LIMIT, `must be ${MAX_LIMIT} or less`)
  .default(DEFAULT_LIMIT);

/** An ISO 8601 time of up to seven fractional digits, exact to 100 ns; without a zone it is UTC. */
export const time = z.string().transform((text, context): Ticks => {
  const ticks = parseTicks(text);
  if (ticks !== undefined) return ticks;
  context.addIssue({ code: "custom", message: "must be an ISO 8601 time such as 2026-01-31T12:00:00Z" });
  return z.NEVER;
});

/** Where a page begins: what the page before gave as `nextCursor`. Its inside is nobody's business. */
export const cursor = z.string().transform((text) => Buffer.from(text, "base64url").toString());

export function writeCursor(inside: string | undefined): string | null {
  return inside === undefined ? null : Buffer.from(inside).toString("base64url");
}

/** Reads what a request carries; answers 400 with every fault at once. */
export function read<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ name: path.join("."), message }));
  const detail = errors.map(({ name, message }) => `${name || "the body"} ${message}`).join("; ");
  throw new HTTPException(400, { res: problem(400, "invalid-request", detail, { members: { errors } }) });
}

export function notFoundProblem(detail: string): HTTPException {
  return new HTTPException(404, { res: problem(404, "not-found", detail) });
}
