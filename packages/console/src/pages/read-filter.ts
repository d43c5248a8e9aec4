import type { Context } from "hono";
import type { z } from "zod";
import { readQuery } from "../api/request.ts";
import { message } from "./message.ts";
import type { PageEnv } from "./page.ts";

type Filter<Schema extends z.ZodType> =
  /** `given` is what the URL says, for the form and for links. */
  | { readonly ok: true; readonly value: z.output<Schema>; readonly given: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly refusal: Promise<Response> };

/** Returns what a list's URL says, or the page that says what is wrong with it. */
export function readFilter<Schema extends z.ZodType>(c: Context<PageEnv>, schema: Schema): Filter<Schema> {
  const given = readQuery(c);
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, value: parsed.data, given };
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
  return { ok: false, refusal: message(c, 400, "This filter cannot be read", `${wrong}.`) };
}
