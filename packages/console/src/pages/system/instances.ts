import type { InstanceSummary } from "@dossier/store";
import { html } from "hono/html";
import { age, toWords } from "../format.ts";
import type { Html } from "../page.ts";

/** The processes of all services, the last started first, each with what it does now. */
export function instanceTable(instances: readonly InstanceSummary[], now: number): Html {
  return html`<section class="card flush" aria-labelledby="instances">
    <h2 id="instances">Instances, of the last hour</h2>
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col">State</th>
          <th scope="col">Version</th>
          <th scope="col" class="num">Started</th>
          <th scope="col" class="num">Last seen</th>
          <th scope="col" class="num">Per second</th>
          <th scope="col" class="num">Jobs</th>
        </tr>
      </thead>
      <tbody>
        ${instances.map(
          (one) =>
            html`<tr>
              <th scope="row">${one.service}<small>${one.host}, process ${one.pid}</small></th>
              <td data-label="State">${state(one)}</td>
              <td data-label="Version">${one.version}</td>
              <td class="num" data-label="Started">${age(one.startedAt, now)}</td>
              <td class="num" data-label="Last seen">${age(one.lastSeenAt, now)}</td>
              <td class="num" data-label="Per second">${one.rate === null ? "–" : one.rate.toFixed(1)}</td>
              <td class="num" data-label="Jobs">${one.service === "worker" ? one.jobs : "–"}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** What to make of a state, for those that are not as they should be. */
const MEANINGS = {
  "postgres-unavailable": "Postgres is unavailable to it; it goes on by itself",
  "queue-unavailable": "the queue is unavailable to it; it goes on by itself",
  lost: "killed, hanging, or cut off from Postgres",
};

function state({ state, pausedBecause }: InstanceSummary): Html {
  if (state === "alive" && pausedBecause !== null)
    return html`<span class="chip warn">paused</span><small>${MEANINGS[pausedBecause]}</small>`;
  if (state === "lost") return html`<span class="chip bad">lost</span><small>${MEANINGS.lost}</small>`;
  return html`<span class="chip ${state === "alive" ? "ok" : ""}">${toWords(state)}</span>`;
}

/** The settings of each service, as its last started instance that is alive has them. */
export function settingsOf(instances: readonly InstanceSummary[]): Html {
  const alive = instances.filter(({ state }) => state === "alive");
  const latest = [...Map.groupBy(alive, ({ service }) => service).values()].map(([first]) => first);
  return html`<section class="card">
    <h2>Configuration, as the last started instance of each service has it</h2>
    ${latest.map(
      (one) =>
        one &&
        html`<details>
          <summary>${one.service} <small>${one.host}, process ${one.pid}</small></summary>
          <dl class="facts settings">
            ${Object.entries(one.settings).map(
              ([name, value]) =>
                html`<dt><code>${name}</code></dt>
                  <dd>${value}</dd>`,
            )}
          </dl>
        </details>`,
    )}
    <p class="hint">Secrets, and addresses that may hold one, are not shown.</p>
  </section>`;
}
