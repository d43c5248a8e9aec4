import { html } from "hono/html";
import { toWords } from "./format.ts";
import type { Html } from "./page.ts";
import type { FieldErrors, Given } from "./read-filter.ts";

/** A page of a list holds as many rows as one reads. */
export const ROWS = 50;

/** A field of a list's filter. With `options`, one of them; else any text, or a time. */
export interface FilterField {
  readonly name: string;
  readonly label: string;
  readonly options?: readonly string[];
  readonly placeholder?: string;
  readonly isTime?: boolean;
}

/** Says beside a form which times its fields take. */
export const timeHint = html`<p class="hint wide" id="times">
  Times are UTC: <code>2026-01-31</code>, which is its midnight, <code>2026-01-31 12:00</code> or <code>2026-01-31T12:00:00Z</code>.
</p>`;

/**
 * The form above a list. The page's URL holds what it says.
 *
 * @param options.method `post` if a field may say what no URL may
 */
export function filterForm(
  fields: readonly FilterField[],
  values: Given,
  {
    method = "get",
    errors = {},
  }: { readonly method?: "get" | "post"; readonly errors?: FieldErrors | undefined } = {},
): Html {
  return html`<form class="filter card" role="search" method="${method}">
    ${fields.map((field) => {
      const value = values[field.name];
      return html`<p>
        <label for="${field.name}">${field.label}</label>${input(field, typeof value === "string" ? value : "", errors)}
      </p>`;
    })}
    <p><button>Filter</button></p>
    ${fields.some(({ isTime }) => isTime) ? timeHint : ""}
  </form>`;
}

function input(
  { name, options, placeholder, isTime }: FilterField,
  value: string,
  errors: FieldErrors,
): Html {
  const described = describe(errors[name], isTime);
  if (options === undefined)
    return html`<input id="${name}" name="${name}" value="${value}" placeholder="${placeholder ?? ""}" ${described} />`;
  return html`<select id="${name}" name="${name}" ${described}>
    <option value="">any</option>
    ${options.map(
      (option) =>
        html`<option value="${option}" ${option === value ? html`selected` : ""}>${toWords(option)}</option>`,
    )}
  </select>`;
}

/** Marks a field that is wrong, and says where it stands what is wrong with it, and what it takes. */
export function describe(error: string | undefined, isTime = true): Html | string {
  const ids = [error && "refused", isTime && "times"].filter((id) => id);
  if (ids.length === 0) return "";
  return html`${error ? html`aria-invalid="true"` : ""} aria-describedby="${ids.join(" ")}"`;
}

/** Leads to the next page of a list and back to its first, with the same filter. */
export function pager(
  query: Readonly<Record<string, unknown>>,
  next: string | null,
  words = { first: "Latest", next: "Earlier" },
): Html | string {
  const { cursor, ...filter } = query;
  const link = (params: object) => `?${new URLSearchParams(params as Record<string, string>).toString()}`;
  if (cursor === undefined && next === null) return "";
  return html`<nav class="pager" aria-label="Pages of the list">
    ${cursor === undefined ? "" : html`<a href="${link(filter)}">${words.first}</a>`}
    ${next === null ? "" : html`<a href="${link({ ...filter, cursor: next })}" rel="next">${words.next}</a>`}
  </nav>`;
}
