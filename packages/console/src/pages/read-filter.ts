import { completeTime } from "@dossier/events";
import type { Context } from "hono";
import type { z } from "zod";
import { readQuery } from "../api/request.ts";
import { message } from "./message.ts";
import type { PageEnv } from "./page.ts";

/** What the URL says, for the form and for links. */
export type Given = Readonly<Record<string, unknown>>;

type Filter<Schema extends z.ZodType> =
  | { readonly ok: true; readonly value: z.output<Schema>; readonly given: Given }
  | { readonly ok: false; readonly refusal: Promise<Response> };

/** Returns what a list's URL says, or the page that says what is wrong with it. */
export function readFilter<Schema extends z.ZodType>(c: Context<PageEnv>, schema: Schema): Filter<Schema> {
  const given = completeTimes(readQuery(c));
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, value: parsed.data, given };
  const wrong = parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
  return { ok: false, refusal: message(c, 400, "This filter cannot be read", `${wrong}.`) };
}

const TIMES = ["asOf", "knownAt", "since", "before"];

/** The schemas are the API's, which takes ISO 8601 alone. */
function completeTimes(query: Given): Given {
  const times = Object.entries(query).map(([name, value]) => [
    name,
    TIMES.includes(name) && typeof value === "string" ? completeTime(value) : value,
  ]);
  return Object.fromEntries(times) as Given;
}
