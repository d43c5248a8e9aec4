import type { PersonDelivery } from "@dossier/store";
import { html } from "hono/html";
import { age, exactTime, toWords } from "../format.ts";
import type { Html } from "../page.ts";

interface Unlogged {
  readonly entityId: string;
  readonly deliveries: readonly PersonDelivery[];
  /** Whether there are more than these. */
  readonly isMore: boolean;
  /** What ages count to. */
  readonly agesTo: number;
}

/** The deliveries that name a person and are not in the log: dead letters, and those that are open. */
export function unlogged({ entityId, deliveries, isMore, agesTo }: Unlogged): Html | string {
  if (deliveries.length === 0) return "";
  const isWaiting = deliveries.some(({ status }) => status !== "open");
  return html`<section class="card panel ${isWaiting ? "urgent" : ""}" aria-labelledby="unlogged">
    <h2 id="unlogged">Not in the log, and so not in the state below</h2>
    <ul class="plain">
      ${deliveries.map(
        ({ deliveryId, status, event, lastDeadLetter, receivedAt }) =>
          html`<li>
            <a href="/deliveries/${deliveryId}"><bdi>${event ?? "unknown event"}</bdi></a>
            <span class="chip ${status === "open" ? "warn" : "bad"}">${
              status === "open" || lastDeadLetter === null
                ? toWords(status)
                : `dead letter: ${toWords(lastDeadLetter.reason)}`
            }</span>
            <span class="muted">received ${exactTime(receivedAt)}, ${age(receivedAt, agesTo)} ago</span>
          </li>`,
      )}
    </ul>
    ${isMore ? html`<p class="hint"><a href="/deliveries?${new URLSearchParams({ entityId }).toString()}">All deliveries of this person</a>: more of them are not in the log.</p>` : ""}
  </section>`;
}
