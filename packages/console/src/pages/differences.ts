import { diffJson, type Json } from "@dossier/events";
import { html } from "hono/html";
import { maskJson } from "./mask-json.ts";
import type { Html } from "./page.ts";

/** Differences that are listed, and characters of each value. */
const MAX_LISTED = 50;
const MAX_LENGTH = 200;

/**
 * What differs between two states, one line for each field.
 *
 * @param before `null` if there was none: then all is listed that the other one knows
 */
export function differences(before: Json, after: Json, isRevealed: boolean): Html {
  const found = diffJson(before ?? {}, after, MAX_LISTED + 1).filter(
    (one) => !(isNothing(one.before) && isNothing(one.after)),
  );
  if (found.length === 0) return html`<p class="muted">Nothing changes.</p>`;
  return html`<ul class="differences">
    ${found.slice(0, MAX_LISTED).map(
      ({ path, before, after }) =>
        html`<li>
          <code><bdi>${cut(path)}</bdi></code> ${
            isNothing(before) ? "" : html`<del>${show(before, path, isRevealed)}</del> <span>becomes</span>`
          } <ins>${isNothing(after) ? "nothing" : show(after, path, isRevealed)}</ins>
        </li>`,
    )}
    ${found.length > MAX_LISTED ? html`<li class="muted">Further fields differ.</li>` : ""}
  </ul>`;
}

/** Not known, or a list of nothing. */
function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

function show(value: Json | undefined, path: string, isRevealed: boolean): Html {
  const shown = isRevealed ? (value ?? null) : maskJson(value ?? null, fieldOf(path));
  return html`<bdi>${cut(typeof shown === "string" ? shown : JSON.stringify(shown))}</bdi>`;
}

/** Returns the name of the field that holds the value at a path; that of the list, for what is in a list. */
function fieldOf(path: string): string {
  return path.split(".").findLast((name) => !/^\d+$/.test(name)) ?? "";
}

function cut(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
