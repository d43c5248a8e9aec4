import type { TokenSummary } from "@dossier/store";
import { html } from "hono/html";
import { age } from "../format.ts";
import type { Html } from "../page.ts";

/** Who has a token, for admins. A token itself is stored nowhere. */
export function tokenTable(tokens: readonly TokenSummary[], now: number): Html {
  const create = html`<code>dossier token create --name "Ada Lovelace" --role operator</code>`;
  if (tokens.length === 0)
    return html`<section class="card">
      <h2>Tokens</h2>
      <p>None was created yet: ${create}</p>
    </section>`;
  return html`<section class="card flush" aria-labelledby="tokens">
    <h2 id="tokens">Tokens</h2>
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Whose</th>
          <th scope="col">Role</th>
          <th scope="col">State</th>
          <th scope="col" class="num">Created</th>
          <th scope="col" class="num">Last use</th>
        </tr>
      </thead>
      <tbody>
        ${tokens.map(
          (one) =>
            html`<tr>
              <th scope="row">
                ${one.name}<small>token ${one.tokenId}, ${one.isService ? "a service's: for the API alone" : "a person's"}</small>
              </th>
              <td data-label="Role">${one.role}</td>
              <td data-label="State">${state(one)}</td>
              <td class="num" data-label="Created">${age(one.createdAt, now)}</td>
              <td class="num" data-label="Last use">${one.lastUsedAt === null ? "never" : age(one.lastUsedAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
    <p class="hint foot">${create} makes one; <code>dossier token revoke ID</code> ends one at once.</p>
  </section>`;
}

function state({ state, expiresAt }: TokenSummary): Html {
  const level = state === "valid" ? "ok" : "";
  return html`<span class="chip ${level}">${state}</span>${
    state === "valid" && expiresAt !== null ? html`<small>until ${expiresAt.slice(0, 10)}</small>` : ""
  }`;
}
