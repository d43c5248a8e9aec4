import type { TimelineEntry } from "@dossier/store";
import { html } from "hono/html";
import { describe, timeHint } from "../list.ts";
import type { Html } from "../page.ts";
import type { FieldErrors } from "../read-filter.ts";

interface Axis {
  readonly name: "asOf" | "knownAt";
  readonly label: string;
  readonly hint: string;
  /** At which there is something to see; the last one is now. */
  readonly times: readonly string[];
}

export type GivenTimes = { readonly [Name in Axis["name"]]?: string };

/** Returns the times that a page is at, in words; an empty text for now. */
export function timesOf({ asOf, knownAt }: GivenTimes): string {
  return [asOf && `as of ${asOf}`, knownAt && `known at ${knownAt}`].filter((part) => part).join(", ");
}

const AS_OF = { name: "asOf", label: "As of", hint: "what had happened" } as const;
const KNOWN_AT = { name: "knownAt", label: "Known at", hint: "what was received" } as const;
export const TRAVEL_FIELDS = [AS_OF, KNOWN_AT];

/**
 * The form that travels through both times: a field for each, and a slider over the times of the events, which htmx
 * follows.
 */
export function travelForm(
  entries: readonly TimelineEntry[],
  given: GivenTimes,
  errors: FieldErrors = {},
): Html {
  const stepsOf = (times: readonly string[]) => [...new Set(times)].toSorted();
  const happened = stepsOf(entries.map(({ happenedAt }) => happenedAt));
  const received = stepsOf(entries.flatMap(({ deliveries }) => deliveries.map((one) => one.receivedAt)));
  return html`<form
    class="travel"
    method="get"
    hx-get="?"
    hx-trigger="input target:[type=range] delay:120ms"
    hx-sync="this:replace"
    hx-target="#main"
    hx-select="#main"
    hx-swap="outerMorph"
    hx-replace-url="true"
  >
    ${field({ ...AS_OF, times: happened }, given.asOf ?? "", errors["asOf"])}
    ${field({ ...KNOWN_AT, times: received }, given.knownAt ?? "", errors["knownAt"])}
    <p class="row"><button>Travel</button> <a href="?">Back to now</a></p>
    ${timeHint}
  </form>`;
}

function field({ name, label, hint, times }: Axis, given: string, error: string | undefined): Html {
  const step = times.findLastIndex((time) => time <= given);
  const value = given === "" ? times.length : Math.max(0, step);
  return html`<p>
    <label for="${name}">${label} <span class="muted">${hint}</span></label>
    <input id="${name}" name="${name}" value="${given}" placeholder="now" autocomplete="off" ${describe(error)} />
    <input
      type="range"
      id="${name}-slider"
      min="0"
      max="${times.length}"
      value="${value}"
      data-field="${name}"
      data-times="${[...times, ""].join(",")}"
      aria-label="${label}: the times of the events"
      aria-valuetext="${given === "" ? "now" : given}"
    />
  </p>`;
}
