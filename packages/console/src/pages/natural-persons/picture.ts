import type { TimelineEntry } from "@dossier/store";
import { html } from "hono/html";
import type { Html } from "../page.ts";

export interface PictureTime {
  readonly asOf: string | undefined;
  readonly knownAt: string | undefined;
}

const HAPPENED_Y = 30;
const RECEIVED_Y = 66;

/**
 * The events on a time axis: when each happened above, and when it was received below. A slanted line is an event that
 * was learned late. The table below it says the same.
 */
export function timelinePicture(entries: readonly TimelineEntry[], { asOf, knownAt }: PictureTime): Html {
  const times = entries.flatMap((entry) => [
    entry.happenedAt,
    ...entry.deliveries.map((one) => one.receivedAt),
  ]);
  const from = Math.min(...times.map(Date.parse));
  const span = Math.max(MINUTE_MS, Math.max(...times.map(Date.parse)) - from);
  const percentOf = (ms: number) => 2 + (96 * (ms - from)) / span;
  const x = (time: string) => `${percentOf(Date.parse(time)).toFixed(2)}%`;
  const at = (time: string | undefined) =>
    time === undefined ? "100%" : `${Math.min(100, Math.max(0, Number.parseFloat(x(time))))}%`;
  return html`<svg class="axis" width="100%" height="100" role="img" aria-label="When each event happened, and when it was received. The table below says the same.">
    ${ticksOf(from, span).map((tick, n) => tickMark(tick, percentOf(tick.ms), n))}
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
  </svg>`;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** What may be between two ticks. Each divides a day, or is whole days: so some ticks are midnights. */
const STEPS = [
  ...[0.25, 0.5, 1, 2, 5, 15, 30, 60, 180, 360, 720].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 4, 7, 14, 28, 91, 182, 364].map((days) => days * DAY_MS),
];
const MAX_TICKS = 6;

interface Tick {
  /** Since 1970. */
  readonly ms: number;
  readonly label: string;
}

/** Returns round times of the axis, in UTC. The first says its day, and so does each midnight. */
function ticksOf(from: number, span: number): readonly Tick[] {
  const widest = Math.ceil(span / MAX_TICKS / DAY_MS) * DAY_MS;
  const step = STEPS.find((one) => span / one < MAX_TICKS) ?? widest;
  const first = Math.ceil(from / step) * step;
  const count = Math.floor((from + span - first) / step) + 1;
  return Array.from({ length: count }, (_, n) => {
    const ms = first + n * step;
    const [day = "", time = ""] = new Date(ms).toISOString().split("T");
    if (ms % DAY_MS === 0) return { ms, label: day };
    const clock = time.slice(0, step < MINUTE_MS ? 8 : 5);
    return { ms, label: n === 0 ? `${day} ${clock}` : clock };
  });
}

/** A label at an end of the axis stays inside. */
function tickMark({ label }: Tick, percent: number, n: number): Html {
  const x = `${percent.toFixed(2)}%`;
  const anchor = percent < 8 ? "start" : percent > 92 ? "end" : "middle";
  return html`<line x1="${x}" x2="${x}" y1="${HAPPENED_Y}" y2="86" class="rail" />
    <text class="${n % 2 === 0 ? "" : "wide-only"}" x="${x}" y="98" text-anchor="${anchor}">${label}</text>`;
}
