import { listDeliveries, type DeliveryPage, type DeliverySummary, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { byDelivery } from "../../api/deliveries.ts";
import { deliveryStatus } from "../../api/delivery-history.ts";
import { deliveryFilter } from "../../api/delivery-search.ts";
import { nextCursor } from "../../api/parameters.ts";
import { hasRole } from "../../auth.ts";
import { personPagePath } from "../../person-path.ts";
import { age, formatBytes, formatCount } from "../format.ts";
import { filterForm, pager, ROWS } from "../list.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter, type FieldErrors, type Given } from "../read-filter.ts";
import { leadToList, openGiven, sealedSearch, searchEnded } from "../sealed-search.ts";
import { statusChip } from "./status.ts";

const PATH = "/deliveries";

/** What a URL may say of deliveries: ids, no part of a payload, and a text of one as it is sealed. */
const query = deliveryFilter.extend({ ...sealedSearch, cursor: byDelivery });

const FIELDS = [
  { name: "status", label: "Outcome", options: deliveryStatus.options },
  { name: "event", label: "Event type", placeholder: "NaturalPerson…" },
  { name: "entityId", label: "Person (id)" },
  { name: "secret", label: "Secret (fingerprint)" },
  { name: "since", label: "Received since", placeholder: "2026-01-31", isTime: true },
  { name: "before", label: "Before", placeholder: "2026-02-01", isTime: true },
];

const TEXT_FIELD = { name: "text", label: "Text" };

/** Returns the handler that leads from the form to the list. */
export function searchDeliveries() {
  const fields = FIELDS.map(({ name }) => name);
  return leadToList(PATH, TEXT_FIELD.name, fields);
}

/** Returns the handler of the list of all deliveries, whatever became of them. */
export function deliveryListPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    // To whoever may not reveal, a search for texts would tell what payloads hold.
    const maySearch = hasRole(c.get("caller"), "operator");
    const open = (search: unknown) => (maySearch ? openGiven(c, search) : undefined);
    const form = (given: Given, errors?: FieldErrors) =>
      maySearch
        ? filterForm(
            [...FIELDS, TEXT_FIELD],
            { ...given, text: open(given["search"]) },
            { method: "post", errors },
          )
        : filterForm(FIELDS, given, { errors });
    const read = readFilter(c, query, { title: "Deliveries", fields: FIELDS, form });
    if (!read.ok) return read.refusal;
    const { cursor, secret, search, ...filter } = read.value;
    const sought = open(search);
    if (search !== undefined && sought === undefined) return searchEnded(c);
    const found = await listDeliveries(
      pool,
      { ...filter, secretFingerprint: secret, text: sought },
      { limit: ROWS, after: cursor?.deliveryId },
    );
    return page(c, {
      title: "Deliveries",
      body: html`<div class="heading">
          <h1>Deliveries</h1>
          <p class="sub">Every webhook that was accepted, whatever became of it, the latest first.</p>
        </div>
        ${form(read.given)}
        ${found.deliveries.length === 0 ? none(found) : table(found.deliveries)}
        ${pager(read.given, nextCursor(found.next && { deliveryId: found.next }))}`,
    });
  };
}

function none({ searched, next }: DeliveryPage): Html {
  if (next === undefined) return html`<p class="card"><b>None.</b> No delivery matches this filter.</p>`;
  return html`<p class="card">
    <b>None yet.</b> None of the ${formatCount({ count: searched })} deliveries that were searched matches. “Earlier”
    searches on.
  </p>`;
}

function table(items: readonly DeliverySummary[]): Html {
  const now = Date.now();
  return html`<section class="card flush">
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">Person</th>
          <th scope="col">Outcome</th>
          <th scope="col">Secret</th>
          <th scope="col" class="num">Size</th>
          <th scope="col" class="num">Received</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          ({ deliveryId, status, reason, event, id, entityId, bytes, receivedAt, secretFingerprint }) =>
            html`<tr>
              <th scope="row">
                <a href="/deliveries/${deliveryId}"><bdi>${event ?? "Type not known"}</bdi></a
                ><small>${id === null ? "no id could be read" : html`<bdi>${id}</bdi>`}</small>
              </th>
              <td class="wide">${entityId === null ? "–" : html`<a href="${personPagePath(entityId)}"><code><bdi>${entityId}</bdi></code></a>`}</td>
              <td class="wide">${statusChip(status, reason)}</td>
              <td data-label="Secret"><code class="short" title="${secretFingerprint}">${shorten(secretFingerprint)}</code></td>
              <td class="num" data-label="Size">${formatBytes(bytes)}</td>
              <td class="num" data-label="Received">${age(receivedAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** The beginning of a fingerprint tells the few secrets apart. */
function shorten(fingerprint: string): string {
  return fingerprint.length > 16 ? `${fingerprint.slice(0, 15)}…` : fingerprint;
}
