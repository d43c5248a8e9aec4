import type { TimelineEntry } from "@dossier/store";
import { html } from "hono/html";
import { timeHint } from "../list.ts";
import type { Html } from "../page.ts";

interface Axis {
  readonly name: "asOf" | "knownAt";
  readonly label: string;
  readonly hint: string;
  /** At which there is something to see; the last one is now. */
  readonly times: readonly string[];
}

export type GivenTimes = { readonly [Name in Axis["name"]]?: string };

/**
 * The form that travels through both times: a field for each, and a slider over the times of the events, which htmx
 * follows.
 */
export function travelForm(entries: readonly TimelineEntry[], given: GivenTimes): Html {
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
    ${field({ name: "asOf", label: "As of", hint: "what had happened", times: happened }, given.asOf ?? "")}
    ${field({ name: "knownAt", label: "Known at", hint: "what was received", times: received }, given.knownAt ?? "")}
    <p class="row"><button>Travel</button> <a href="?">Back to now</a></p>
    ${timeHint}
  </form>`;
}

function field({ name, label, hint, times }: Axis, given: string): Html {
  const step = times.findLastIndex((time) => time <= given);
  const value = given === "" ? times.length : Math.max(0, step);
  return html`<p>
    <label for="${name}">${label} <span class="muted">${hint}</span></label>
    <input id="${name}" name="${name}" value="${given}" placeholder="now" autocomplete="off" aria-describedby="times" />
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
