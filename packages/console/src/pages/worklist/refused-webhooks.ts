import type { RefusedWebhooks } from "@dossier/store";
import { html } from "hono/html";
import { age, formatCount, toWords } from "../format.ts";
import type { Html } from "../page.ts";

/** What each of ingest's answers means, and what to do. */
const MEANINGS: Readonly<Record<string, string>> = {
  unauthenticated: "no or a wrong signature: after a rotation, add the new secret to ICOMPLY_WEBHOOK_SECRETS",
  "too-large": "longer than MAX_BODY_BYTES",
  "too-many-chunks": "cut into more chunks than any honest sender's: look at who sends this",
  incomplete: "the sender disconnected or was too slow",
  dropped: "too many unfinished at once: look at who sends slowly",
  unavailable: "Postgres did not take it in time; iComply sends it again",
};

/** Webhooks of the last 24 hours that were not accepted, by reason; nothing if there was none. */
export function refusedWebhooks(refused: readonly RefusedWebhooks[], now: number): Html | string {
  if (refused.length === 0) return "";
  return html`<section class="card flush" aria-labelledby="refused">
    <h2 id="refused">Refused webhooks, last 24 hours</h2>
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Reason</th>
          <th scope="col" class="num">Count</th>
          <th scope="col" class="num">Oldest</th>
          <th scope="col" class="num">Newest</th>
        </tr>
      </thead>
      <tbody>
        ${refused.map(
          ({ reason, count, oldestAt, newestAt }) =>
            html`<tr>
              <th scope="row">${toWords(reason)}<small>${MEANINGS[reason] ?? ""}</small></th>
              <td class="num" data-label="Count"><b>${formatCount({ count })}</b></td>
              <td class="num" data-label="Oldest">${age(oldestAt, now)}</td>
              <td class="num" data-label="Newest">${age(newestAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
