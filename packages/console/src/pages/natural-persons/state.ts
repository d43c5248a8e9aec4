import type { Person } from "@dossier/events";
import { html } from "hono/html";
import { exactTime, statusLabel } from "../format.ts";
import type { Html } from "../page.ts";
import { timesOf, type GivenTimes } from "./travel.ts";

/** A person's state at the point in time that the page is at, masked or not. */
export function stateCard(person: Person | undefined, given: GivenTimes): Html {
  const then = timesOf(given);
  if (person === undefined)
    return html`<section class="card">
      <h2>State ${then}</h2>
      <p><b>Nothing was known of this person then.</b></p>
    </section>`;
  return html`<section class="card" aria-labelledby="state">
      <h2 id="state">State ${then}</h2>
      <dl class="facts">
        ${fact("Name", person.name)}
        ${fact("E-mail", person.email)} ${fact("Status", statusLabel(person.status))}
        ${fact("iComply's status", person.entityStatus)} ${approval(person)}
        ${person.reviewNeeded ? fact("Review", html`<span class="chip warn">needed</span>`) : ""}
        ${fact("Info submitted", timeOf(person.personalInfoSubmittedAt))}
        ${fact("First event", timeOf(person.firstEventAt))} ${fact("Last event", timeOf(person.lastEventAt))}
        ${fact("Events", `${person.version}${person.unrecognisedEvents > 0 ? `, of them ${person.unrecognisedEvents} of an unknown type` : ""}`)}
      </dl>
    </section>
    ${documentsCard(person)}`;
}

function approval({ approval: made }: Person): Html | string {
  if (made === null) return "";
  const { kind, byName, byEmail, at, description } = made;
  const by = byName ?? byEmail;
  return fact(
    "Approved",
    html`${kind === "manual" ? "manually" : "automatically"}${by === null ? "" : html`, by <bdi>${by}</bdi>`}
      <small>${exactTime(at)}</small>${description === null ? "" : html`<small><bdi>${description}</bdi></small>`}`,
  );
}

function documentsCard({ identityDocuments, supportingDocuments }: Person): Html {
  const documents = [
    ...identityDocuments.map(({ type, sessionId, startedAt, uploadedAt }) => ({
      type,
      id: `session ${sessionId}`,
      description: null,
      state: uploadedAt === null ? html`started ${timeOf(startedAt)}` : html`uploaded ${timeOf(uploadedAt)}`,
    })),
    ...supportingDocuments.map(({ type, id, description, uploadedAt }) => ({
      type: type ?? "Supporting document",
      id,
      description,
      state: html`uploaded ${timeOf(uploadedAt)}`,
    })),
  ];
  return html`<section class="card" aria-labelledby="documents">
    <h2 id="documents">Documents</h2>
    ${
      documents.length === 0
        ? html`<p class="muted">None yet</p>`
        : html`<dl class="facts">
          ${documents.map(({ type, id, description, state }) =>
            fact(
              type,
              html`${state}${description === null ? "" : html`<small><bdi>${description}</bdi></small>`}<small
                  ><code><bdi>${id}</bdi></code></small
                >`,
            ),
          )}
        </dl>`
    }
  </section>`;
}

function fact(term: string, value: Html | string | null): Html | string {
  if (value === null) return "";
  return html`<dt><bdi>${term}</bdi></dt>
    <dd>${typeof value === "string" ? html`<bdi>${value}</bdi>` : value}</dd>`;
}

function timeOf(time: string | null): Html | null {
  return time === null ? null : exactTime(time);
}
