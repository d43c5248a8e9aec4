import { TICKS_PER_SECOND } from "@dossier/events";
import { readMinutes, type MinuteSums, type Pool } from "@dossier/store";
import { html } from "hono/html";
import type { Html } from "../page.ts";

/** Minutes that are summed for a point of a chart, and how many points it has. */
const VIEWS = [
  { id: "last-hour", title: "Last hour, by minutes", minutes: 1, points: 60 },
  { id: "last-day", title: "Last day, by quarters of an hour", minutes: 15, points: 96 },
] as const;

type View = (typeof VIEWS)[number];

/** An instance reports its counts every 5 s: by then it has reported those of a minute. */
const REPORTED_AFTER_MS = 10_000;

const SETTLED = ["applied", "duplicate", "dead-lettered"] as const;

/**
 * Returns a function that returns the charts as tables, which the page's script draws. They are read once a minute, as
 * a day of minutes takes long to sum.
 */
export function createCharts(pool: Pool): () => Promise<string> {
  let last: { readonly end: number; readonly charts: Promise<string> } | undefined;
  return () => {
    const end = Math.floor((Date.now() - REPORTED_AFTER_MS) / 60_000);
    if (last?.end !== end) {
      last = { end, charts: readCharts(pool, end) };
      last.charts.catch(() => (last = undefined));
    }
    return last.charts;
  };
}

/** @param end the first minute that is not shown, in minutes since 1970 */
async function readCharts(pool: Pool, end: number): Promise<string> {
  const charts = await Promise.all(
    VIEWS.map(async (view) => {
      const first = Math.ceil(end / view.minutes - view.points) * view.minutes;
      const range = { from: ticksOf(first), to: ticksOf(end), minutes: view.minutes };
      return chart(view, first, end, await readMinutes(pool, range));
    }),
  );
  return String(await html`<div class="charts">${charts}</div>`);
}

function chart({ id, title, minutes }: View, first: number, end: number, sums: readonly MinuteSums[]): Html {
  const byStart = new Map(sums.map((sum) => [Date.parse(sum.minute) / 60_000, sum]));
  const starts = Array.from({ length: Math.ceil((end - first) / minutes) }, (_, n) => first + n * minutes);
  return html`<section class="card chart" aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${sums.length === 0 ? html`<p class="muted">Nothing was accepted or settled in this time.</p>` : ""}
    <div class="plots" aria-hidden="true"></div>
    <details ${sums.length === 0 ? "hidden" : ""}>
      <summary>As a table</summary>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="${id}">
        <table data-chart data-start="${first * 60}" data-step="${minutes * 60}">
          <thead>
            <tr>
              <th scope="col">From (UTC)</th>
              <th scope="col" class="num">Accepted/s</th>
              <th scope="col" class="num">Settled/s</th>
              <th scope="col" class="num">Receipt → state, p50 ms</th>
              <th scope="col" class="num">p99 ms</th>
            </tr>
          </thead>
          <tbody>
            ${starts.map((start) => row(start, Math.min(minutes, end - start), byStart.get(start)))}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

/** @param minutes how many of the point's minutes are over */
function row(start: number, minutes: number, sums: MinuteSums | undefined): Html {
  const settled = SETTLED.reduce((sum, outcome) => sum + (sums?.outcomes[outcome] ?? 0), 0);
  const rates = [sums?.accepted ?? 0, settled].map((count) => formatRate(count / (minutes * 60)));
  const { p50 = "–", p99 = "–" } = sums?.receiptToStateMs ?? {};
  const at = new Date(start * 60_000).toISOString().slice(11, 16);
  return html`<tr><th scope="row">${at}</th>${[...rates, p50, p99].map((cell) => html`<td class="num">${cell}</td>`)}</tr>`;
}

/** Returns three significant digits: `0.0167`, `12.3`, `4560`. */
function formatRate(rate: number): string {
  return String(Number(rate.toPrecision(3)));
}

function ticksOf(minute: number): bigint {
  return BigInt(minute) * 60n * TICKS_PER_SECOND;
}
