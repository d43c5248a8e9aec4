import type { DeadLetterReason } from "@dossier/events";
import type { DecisionKind, DecisionNeeded } from "@dossier/store";
import { html } from "hono/html";
import { REASONS } from "../dead-letters/reasons.ts";
import { age, formatCount, toWords } from "../format.ts";
import type { Html } from "../page.ts";

const KINDS: Readonly<Record<Exclude<DecisionKind, "dead-letter">, { label: string; means: string }>> = {
  "person-to-review": { label: "Persons to review", means: "updated by the client after the approval" },
  "unknown-type": { label: "Unknown event type", means: "kept in the log; in no person's state yet" },
  failing: {
    label: "Failing deliveries",
    means: "retried by themselves; dead letters after the last attempt",
  },
  snoozed: {
    label: "Snoozed deliveries",
    means: "put off while something else is in the way; no attempt is used",
  },
};

/** The table of what needs a person, each with how many there are, the oldest and the newest. */
export function decisionsNeeded(needed: readonly DecisionNeeded[], now: number): Html {
  if (needed.length === 0)
    return html`<section class="card calm">
      <h2>Needs a decision</h2>
      <p><b>Nothing.</b> No dead letter, nobody to review, no unknown event type, nothing that fails.</p>
    </section>`;
  return html`<section class="card flush" aria-labelledby="needed">
    <h2 id="needed">Needs a decision</h2>
    <table class="list">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col" class="num">Count</th>
          <th scope="col" class="num">Oldest</th>
          <th scope="col" class="num">Newest</th>
        </tr>
      </thead>
      <tbody>
        ${needed.map(
          (one) =>
            html`<tr>
              <th scope="row">${describe(one)}</th>
              <td class="num" data-label="Count"><b>${formatCount(one)}</b></td>
              <td class="num" data-label="Oldest">${age(one.oldestAt, now)}</td>
              <td class="num" data-label="Newest">${one.newestAt === null ? "–" : age(one.newestAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** Where those are listed that need a person: no more than these, as far as a filter can say so. */
function pathOf(kind: Exclude<DecisionKind, "dead-letter">, name: string): string {
  if (kind === "person-to-review") return "/natural-persons?reviewNeeded=true";
  if (kind === "unknown-type") return `/deliveries?event=${encodeURIComponent(name)}`;
  return kind === "snoozed" ? "/failing?kind=snoozed" : "/failing";
}

function describe({ kind, name }: DecisionNeeded): Html {
  if (kind === "dead-letter")
    return html`<a href="/dead-letters?reason=${name}">Dead letters: ${toWords(name)}</a
      ><small>${REASONS[name as DeadLetterReason].means}</small>`;
  const { label, means } = KINDS[kind];
  const type = name === "" ? "" : html` <code><bdi>${name}</bdi></code>`;
  return html`<a href="${pathOf(kind, name)}">${label}${type}</a><small>${means}</small>`;
}
