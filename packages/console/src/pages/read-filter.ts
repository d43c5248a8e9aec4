import { completeTime } from "@dossier/events";
import type { Context } from "hono";
import { html } from "hono/html";
import type { z } from "zod";
import { readQuery } from "../api/request.ts";
import { message } from "./message.ts";
import { page, type Html, type PageEnv } from "./page.ts";

/** What the URL says, for the form and for links. */
export type Given = Readonly<Record<string, unknown>>;

type Filter<Schema extends z.ZodType> =
  | { readonly ok: true; readonly value: z.output<Schema>; readonly given: Given }
  | { readonly ok: false; readonly refusal: Promise<Response> };

/** What is wrong with fields, by their names. */
export type FieldErrors = Readonly<Record<string, string>>;

/** The page that is shown instead of a list whose filter cannot be read. */
interface Refused {
  readonly title: string;
  /** What people call the fields. */
  readonly fields: readonly { readonly name: string; readonly label: string }[];
  /** Shows what was given, and marks the fields that are wrong. */
  form(given: Given, errors: FieldErrors): Html;
}

/** Returns what a page's URL says, or a page with the same form that says what is wrong with it. */
export function readFilter<Schema extends z.ZodType>(
  c: Context<PageEnv>,
  schema: Schema,
  refused?: Refused,
): Filter<Schema> {
  const given = completeTimes(readQuery(c));
  const parsed = schema.safeParse(given);
  if (parsed.success) return { ok: true, value: parsed.data, given };
  const errors = Object.fromEntries(
    parsed.error.issues.map(({ path, message }) => [path.join("."), message] as const),
  );
  return { ok: false, refusal: refuse(c, given, errors, refused) };
}

const TITLE = "This filter cannot be read";

function refuse(
  c: Context<PageEnv>,
  given: Given,
  errors: FieldErrors,
  refused?: Refused,
): Promise<Response> {
  const labelOf = (name: string) => refused?.fields.find((field) => field.name === name)?.label ?? name;
  const all = Object.entries(errors).map(([name, error]) => `${labelOf(name)} ${error}`);
  if (refused === undefined) return message(c, 400, TITLE, `${all.join("; ")}.`);
  const { title, form } = refused;
  return page(c, {
    title,
    status: 400,
    body: html`<div class="heading"><h1>${title}</h1></div>
      <p class="notice bad" id="refused" role="alert"><b>${TITLE}</b>: ${all.join("; ")}.</p>
      ${form(given, errors)}`,
  });
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
