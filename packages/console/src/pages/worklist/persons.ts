import type { StatusCount, StuckStep } from "@dossier/store";
import { html } from "hono/html";
import { personPagePath } from "../../person-path.ts";
import { age, formatCount, formatSeconds, statusLabel } from "../format.ts";
import type { Html } from "../page.ts";

/** How many persons have each status, as bars. */
export function wherePersonsAre(counts: readonly StatusCount[]): Html {
  const most = Math.max(1, ...counts.map(({ count }) => count));
  const shown = counts.filter(({ status, count }) => status !== "unknown" || count > 0);
  return html`<section class="card" aria-labelledby="where">
    <h2 id="where">Where persons are</h2>
    <table class="bars">
      <tbody>
        ${shown.map(
          ({ status, ...count }) =>
            html`<tr>
              <th scope="row"><a href="/natural-persons?status=${status}">${statusLabel(status)}</a></th>
              <td aria-hidden="true">
                <svg width="100%" height="8" role="presentation">
                  <rect width="100%" height="8" rx="4" class="track" />
                  <rect width="${((100 * count.count) / most).toFixed(1)}%" height="8" rx="4" class="fill" />
                </svg>
              </td>
              <td class="num">${formatCount(count)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** The persons who are stuck in each step; nothing if nobody is. */
export function stuckLongest(stuck: readonly StuckStep[], now: number): Html | string {
  if (stuck.length === 0) return "";
  return html`<section class="card flush" aria-labelledby="stuck">
    <h2 id="stuck">Stuck longest in each step</h2>
    ${stuck.map(
      ({ status, afterHours, longest, ...count }) =>
        html`<h3 class="step">
            <a href="/natural-persons?status=${status}&amp;stuck=true&amp;sort=waiting">${statusLabel(status)}</a><small>${formatCount(count)} without an event for ${formatHours(afterHours)}</small>
          </h3>
          <ul class="people">
            ${longest.map(
              ({ entityId, lastEventAt }) =>
                html`<li>
                  <a class="name" href="${personPagePath(entityId)}"><code><bdi>${entityId}</bdi></code></a>${age(lastEventAt, now)}
                </li>`,
            )}
          </ul>`,
    )}
  </section>`;
}

function formatHours(hours: number): string {
  return hours % 24 === 0 ? formatSeconds(hours * 3_600) : `${hours} h`;
}
