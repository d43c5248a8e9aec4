import { diffJson, isJsonObject, scalarText, type Json, type JsonDifference } from "@dossier/events";
import { html } from "hono/html";
import { maskDifferences } from "../masking/mask-json.ts";
import type { Html } from "./page.ts";

/** Longer values are cut: whoever needs all of one reads the delivery. */
const MAX_LENGTH = 300;

/** Differences between two states that are listed. */
const MAX_LISTED = 50;

/**
 * What differs between two states, one line for each field.
 *
 * @param before `null` if there was none: then all is listed that the other one knows
 */
export function differences(before: Json, after: Json, revealed: boolean): Html {
  const found = diffJson(before ?? {}, after, MAX_LISTED + 1).filter(
    (one) => !(saysNothing(one.before) && saysNothing(one.after)),
  );
  if (found.length === 0) return html`<p class="muted">Nothing changes.</p>`;
  return html`${differenceList(found.slice(0, MAX_LISTED), revealed)}${
    found.length > MAX_LISTED ? html`<p class="muted">Further fields differ.</p>` : ""
  }`;
}

/** Not known, or a list of nothing. */
function saysNothing(value: Json | undefined): boolean {
  return isNothing(value) || (Array.isArray(value) && value.length === 0);
}

/** A readable list of what changed: the path, what was there, and what is there now. */
export function differenceList(differences: readonly JsonDifference[], revealed: boolean): Html | string {
  if (differences.length === 0) return "";
  return html`<ul class="diff">
    ${(revealed ? differences : maskDifferences(differences)).map(({ path, before, after }) => {
      const show = (value: Json) => cut(describe(value));
      const [had, has] = [isNothing(before), isNothing(after)].map((nothing) => !nothing);
      return html`<li>
        <code><bdi>${cut(path)}</bdi></code>
        ${had ? html`<del class="${has ? "was" : ""}"><bdi>${show(before ?? null)}</bdi></del>` : ""}${had && has ? html` <span aria-label="became">→</span> ` : ""}${
          has ? html`<ins><bdi>${show(after ?? null)}</bdi></ins>` : ""
        }
      </li>`;
    })}
  </ul>`;
}

function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null;
}

/** Returns a value in words: of an object, the fields that say something. */
function describe(value: Json): string {
  const text = scalarText(value);
  if (text !== undefined) return text === "" ? "(empty)" : shortTime(text);
  if (isJsonObject(value))
    return Object.entries(value)
      .filter(([, member]) => !isNothing(member))
      .map(([name, member]) => `${name}: ${describe(member)}`)
      .join(", ");
  return Array.isArray(value) ? value.map(describe).join("; ") : JSON.stringify(value);
}

/** Times are shown to the second, as everywhere on the page. */
function shortTime(text: string): string {
  return text.replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{7}Z$/, "$1 $2Z");
}

function cut(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH).toWellFormed()}…` : text;
}
