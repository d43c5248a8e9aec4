import { createBulkAction, type BoundedCount, type DecisionAction, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { bulkActionBody, MAX_REASON_LENGTH } from "../../api/selection.ts";
import { readForm } from "../form.ts";
import { formatCount } from "../format.ts";
import type { Html, PageEnv } from "../page.ts";

const PREFIX = "filter.";

/** A form's fields are flat: those of the filter begin with `filter.`. */
const form = z.preprocess((fields) => {
  const { filter = [], others = [] } = Object.groupBy(Object.entries(fields as object), ([name]) =>
    name.startsWith(PREFIX) ? "filter" : "others",
  );
  const named = filter.map(([name, value]) => [name.slice(PREFIX.length), value] as const);
  return { ...Object.fromEntries(others), filter: Object.fromEntries(named) };
}, bulkActionBody);

/** Returns the handler of the form that makes a bulk action, and leads to its preview. */
export function bulkActionForm(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = await readForm(c, form);
    if (!read.ok) return read.refusal;
    const { action, reason, filter = {} } = read.value;
    const id = await createBulkAction(pool, { action, filter, reason, createdBy: c.get("caller").name });
    return c.redirect(`/bulk-actions/${id}`, 303);
  };
}

export interface NewBulkActionOptions {
  readonly actions: readonly DecisionAction[];
  /** As the list's URL says it. */
  readonly filter: Readonly<Record<string, string>>;
  /** How many dead letters match. */
  readonly count: BoundedCount;
}

/** Asks for a decision about all that a list's filter matches. */
export function newBulkAction({ actions, filter, count }: NewBulkActionOptions): Html | string {
  if (count.count === 0) return "";
  if (Object.keys(filter).length === 0)
    return html`<p class="hint">
      ${formatCount(count)} in all. To decide about many at once, filter first: a bulk action takes no empty filter.
    </p>`;
  return html`<details class="card ask">
    <summary class="button">Decide about all ${formatCount(count)} that match…</summary>
    <form method="post" action="/bulk-actions" class="inline">
      ${Object.entries(filter).map(
        ([name, value]) => html`<input type="hidden" name="${PREFIX}${name}" value="${value}" />`,
      )}
      <p>
        <label for="action">Decision</label>
        <select id="action" name="action">
          ${actions.map((action) => html`<option>${action}</option>`)}
        </select>
      </p>
      <p>
        <label for="bulk-reason">Why?</label>
        <input id="bulk-reason" name="reason" required maxlength="${MAX_REASON_LENGTH}" autocomplete="off" />
      </p>
      <p><button class="primary">Preview</button></p>
    </form>
    <p class="hint">Nothing is decided yet: the next page shows what it is about, and asks to confirm it.</p>
  </details>`;
}
