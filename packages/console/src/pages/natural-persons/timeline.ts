import type { Timeline, TimelineEntry } from "@dossier/store";
import { html } from "hono/html";
import { differenceList } from "../differences.ts";
import { exactTime, formatCounted, formatSeconds } from "../format.ts";
import type { Html } from "../page.ts";

/** Events that are received so long after they happened were learned late. */
const LATE_SECONDS = 600;

/** The table of a person's events, the latest first: what each changed, when it was learned, and its deliveries. */
export function timelineTable(
  { entries, earlier, later }: Timeline,
  { revealed, linkTo }: { readonly revealed: boolean; linkTo(asOf: string): string },
): Html {
  return html`<section class="card flush" aria-labelledby="timeline">
    <h2 id="timeline">Timeline</h2>
    ${later === 0 ? "" : html`<p class="note">${formatCounted({ count: later }, "later event")} ${later === 1 ? "is" : "are"} not shown. Travel forward to see them.</p>`}
    <table class="list timeline">
      <thead>
        <tr>
          <th scope="col">Happened</th>
          <th scope="col">Event, and what it changed</th>
          <th scope="col">Received</th>
        </tr>
      </thead>
      <tbody>
        ${entries.toReversed().map((entry) => row(entry, revealed, linkTo(entry.happenedAt)))}
      </tbody>
    </table>
    ${earlier === 0 ? "" : html`<p class="note">${formatCounted({ count: earlier }, "earlier event")} ${earlier === 1 ? "is" : "are"} not shown. Travel back to see them.</p>`}
  </section>`;
}

function row(entry: TimelineEntry, revealed: boolean, then: string): Html {
  return html`<tr class="${entry.when === "counts" ? "" : "after"}">
    <td data-label="Happened">${exactTime(entry.happenedAt)} <a class="then" href="${then}">see then</a></td>
    <th scope="row">
      <bdi>${entry.event}</bdi> ${chips(entry)} ${differenceList(entry.changes, revealed)}
      ${entry.changes.length === 0 && entry.when !== "not-known-yet" ? html`<small>Changed nothing.</small>` : ""}
    </th>
    <td data-label="Received">
      ${entry.deliveries.map(
        ({ receivedAt, deliveryId }, n) =>
          html`<div>
            ${n === 0 ? "" : "again "}${exactTime(receivedAt)}
            <a href="/deliveries/${deliveryId}" aria-label="Delivery ${deliveryId.slice(0, 8)}…${deliveryId.slice(-4)}"><code>${deliveryId.slice(0, 8)}…${deliveryId.slice(-4)}</code></a>
          </div>`,
      )}
    </td>
  </tr>`;
}

function chips(entry: TimelineEntry): Html {
  const late = (Date.parse(entry.receivedAt) - Date.parse(entry.happenedAt)) / 1_000;
  const times = entry.deliveries.length;
  return html`${entry.when === "happened-later" ? html`<span class="chip">happened later</span>` : ""}
  ${entry.when === "not-known-yet" ? html`<span class="chip">not known yet</span>` : ""}
  ${entry.outOfOrder ? html`<span class="chip warn">out of order</span>` : ""}
  ${late >= LATE_SECONDS ? html`<span class="chip">learned ${formatSeconds(late)} later</span>` : ""}
  ${times > 1 ? html`<span class="chip">delivered ${times} times</span>` : ""}
  ${entry.knownType ? "" : html`<span class="chip warn">unknown type</span>`}`;
}
