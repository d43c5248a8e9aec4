import type { SecretUse } from "@dossier/store";
import { html } from "hono/html";
import { age } from "../format.ts";
import type { Html } from "../page.ts";

const STATES: Readonly<Record<SecretUse["state"], { level: string; label: string; means: string }>> = {
  unused: {
    level: "warn",
    label: "not used yet",
    means: "ingest accepts it; iComply has signed nothing with it",
  },
  "in-use": { level: "ok", label: "in use", means: "ingest accepts it" },
  "safe-to-remove": {
    level: "warn",
    label: "safe to remove",
    means: "another one has taken over for a day: take it out of ICOMPLY_WEBHOOK_SECRETS",
  },
  removed: { level: "", label: "removed", means: "no ingest that is alive accepts it" },
};

/** The webhook secrets by their fingerprints, and which of them may go. */
export function secretTable(secrets: readonly SecretUse[], now: number): Html {
  if (secrets.length === 0)
    return html`<section class="card">
      <h2>Webhook secrets</h2>
      <p>No ingest is alive, and no webhook was ever accepted.</p>
    </section>`;
  return html`<section class="card flush" aria-labelledby="secrets">
    <h2 id="secrets">Webhook secrets</h2>
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Fingerprint</th>
          <th scope="col">State</th>
          <th scope="col" class="num">First use</th>
          <th scope="col" class="num">Last use</th>
        </tr>
      </thead>
      <tbody>
        ${secrets.map(({ fingerprint, state, firstUsedAt, lastUsedAt }) => {
          const { level, label, means } = STATES[state];
          return html`<tr>
            <th scope="row"><code>${fingerprint}</code></th>
            <td data-label="State"><span class="chip ${level}">${label}</span><small>${means}</small></td>
            <td class="num" data-label="First use">${firstUsedAt === null ? "–" : age(firstUsedAt, now)}</td>
            <td class="num" data-label="Last use">${lastUsedAt === null ? "–" : age(lastUsedAt, now)}</td>
          </tr>`;
        })}
      </tbody>
    </table>
  </section>`;
}
