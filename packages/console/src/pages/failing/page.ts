import { FAILING_KINDS, listFailingDeliveries, type FailingDelivery, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { byDelivery, failingFilter } from "../../api/deliveries.ts";
import { nextCursor } from "../../api/parameters.ts";
import { maskError } from "../../masking/mask.ts";
import { age, exactTime } from "../format.ts";
import { filterForm, pager, ROWS } from "../list.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter } from "../read-filter.ts";

const query = failingFilter.extend({ cursor: byDelivery });

const FIELDS = [
  { name: "kind", label: "Why", options: FAILING_KINDS },
  { name: "since", label: "Received since", placeholder: "2026-01-31", isTime: true },
  { name: "before", label: "Before", placeholder: "2026-02-01", isTime: true },
];

const ORDER = { first: "Oldest", next: "Later" };

/** Returns the handler of the list of deliveries that are retried or snoozed, or at which workers stop. */
export function failingPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = readFilter(c, query, {
      title: "Failing",
      fields: FIELDS,
      form: (given, errors) => filterForm(FIELDS, given, { errors }),
    });
    if (!read.ok) return read.refusal;
    const { cursor, ...filter } = read.value;
    const after = cursor?.deliveryId;
    const { deliveries, next } = await listFailingDeliveries(pool, filter, { limit: ROWS, after });
    return page(c, {
      title: "Failing",
      body: html`<div class="heading">
          <h1>Failing</h1>
          <p class="sub">
            Open deliveries that are tried again by themselves, the oldest first. After the last attempt they are
            <a href="/dead-letters">dead letters</a>.
          </p>
        </div>
        ${filterForm(FIELDS, read.given)} ${table(deliveries)}
        ${pager(read.given, nextCursor(next && { deliveryId: next }), ORDER)}`,
    });
  };
}

function table(items: readonly FailingDelivery[]): Html {
  if (items.length === 0)
    return html`<p class="card calm"><b>None.</b> Nothing fails, or nothing matches this filter.</p>`;
  const now = Date.now();
  return html`<section class="card flush">
    <table class="list">
      <thead>
        <tr>
          <th scope="col">Event</th>
          <th scope="col">Last error</th>
          <th scope="col" class="num">Attempts</th>
          <th scope="col">Next attempt by</th>
          <th scope="col" class="num">Received</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          (one) =>
            html`<tr>
              <th scope="row">
                <a href="/deliveries/${one.deliveryId}"><bdi>${one.event ?? "Type not known"}</bdi></a
                ><small>${one.entityId === null ? "person not known" : html`<bdi>${one.entityId}</bdi>`}</small>
              </th>
              <td class="wide">${kindChip(one)}<small>${one.lastError === null ? "" : maskError(one.lastError)}</small></td>
              <td class="num" data-label="Attempts">${one.attempts}</td>
              <td data-label="Next attempt by">${exactTime(one.nextAttemptBy)}</td>
              <td class="num" data-label="Received">${age(one.receivedAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

function kindChip({ snoozedUntil, stalls }: FailingDelivery): Html {
  if (snoozedUntil !== null) return html`<span class="chip">snoozed</span>`;
  if (stalls > 1)
    return html`<span class="chip bad">${stalls === 2 ? "a worker" : `${stalls - 1} workers`} stopped at it</span>`;
  return html`<span class="chip warn">retrying</span>`;
}
