import type { TimelineEntry } from "@dossier/store";
import { html } from "hono/html";
import type { Html } from "../page.ts";

export interface PictureTime {
  readonly asOf: string | undefined;
  readonly knownAt: string | undefined;
}

const HAPPENED_Y = 30;
const RECEIVED_Y = 66;
const TICKS = [0, 25, 50, 75, 100];
const DAY_MS = 86_400_000;

/**
 * The events on a time axis: when each happened above, and when it was received below. A slanted line is an event that
 * was learned late. The table below it says the same.
 */
export function timelinePicture(entries: readonly TimelineEntry[], { asOf, knownAt }: PictureTime): Html {
  const times = entries.flatMap((entry) => [
    entry.happenedAt,
    ...entry.deliveries.map((one) => one.receivedAt),
  ]);
  const [from, to] = [Math.min(...times.map(Date.parse)), Math.max(...times.map(Date.parse))];
  const span = Math.max(1, to - from);
  const x = (time: string) => `${(2 + (96 * (Date.parse(time) - from)) / span).toFixed(2)}%`;
  const at = (time: string | undefined) =>
    time === undefined ? "100%" : `${Math.min(100, Math.max(0, Number.parseFloat(x(time))))}%`;
  const tick = (percent: number) => new Date(from + (span * percent) / 100).toISOString();
  return html`<svg class="axis" width="100%" height="100" role="img" aria-label="When each event happened, and when it was received. The table below says the same.">
    <line x1="0" x2="100%" y1="${HAPPENED_Y}" y2="${HAPPENED_Y}" class="rail" />
    <line x1="0" x2="100%" y1="${RECEIVED_Y}" y2="${RECEIVED_Y}" class="rail" />
    <text x="0" y="14">happened</text>
    <text x="0" y="${RECEIVED_Y + 16}">received</text>
    ${entries.map((entry) => {
      const [first] = entry.deliveries;
      return html`<g class="${entry.outOfOrder ? "late" : ""} ${entry.when === "counts" ? "" : "after"}">
        <title>${entry.event}</title>
        <line x1="${x(entry.happenedAt)}" x2="${x(entry.receivedAt)}" y1="${HAPPENED_Y}" y2="${RECEIVED_Y}" />
        <circle cx="${x(entry.happenedAt)}" cy="${HAPPENED_Y}" r="5" />
        <circle cx="${x(entry.receivedAt)}" cy="${RECEIVED_Y}" r="4" />
        ${entry.deliveries
          .filter((delivery) => delivery !== first)
          .map(
            ({ receivedAt }) => html`<circle cx="${x(receivedAt)}" cy="${RECEIVED_Y}" r="4" class="again" />`,
          )}
      </g>`;
    })}
    <line x1="${at(asOf)}" x2="${at(asOf)}" y1="18" y2="${HAPPENED_Y + 10}" class="marker" />
    <line x1="${at(knownAt)}" x2="${at(knownAt)}" y1="${RECEIVED_Y - 10}" y2="${RECEIVED_Y + 12}" class="marker" />
    ${TICKS.map(
      (percent) =>
        html`<text class="${percent % 50 === 0 ? "" : "wide-only"}" x="${percent}%" y="98" text-anchor="${percent === 0 ? "start" : percent === 100 ? "end" : "middle"}">${
          span > 2 * DAY_MS ? tick(percent).slice(0, 10) : tick(percent).slice(11, 19)
        }</text>`,
    )}
  </svg>`;
}
