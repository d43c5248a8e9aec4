import { DEAD_LETTER_REASONS } from "@dossier/events";
import {
  countDeadLettersBounded,
  countUnlessAll,
  listDeadLetters,
  type BoundedCount,
  type DeadLetterStatus,
  type DeadLetterSummary,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { deadLetterPosition, deadLetterStatus } from "../../api/dead-letters.ts";
import { cursor, deadLetterFilter, nextCursor } from "../../api/parameters.ts";
import { hasRole } from "../../auth.ts";
import { personPagePath } from "../../person-path.ts";
import { newBulkAction, type NewBulkActionOptions } from "../bulk-actions/new.ts";
import { age, exactTime, toWords } from "../format.ts";
import { filterForm, pager, ROWS } from "../list.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter, type FieldErrors, type Given } from "../read-filter.ts";
import { leadToList, openGiven, sealedSearch, searchEnded } from "../sealed-search.ts";
import { REASONS } from "./reasons.ts";

const PATH = "/dead-letters";

/** What a URL may say of dead letters: a text of a payload only as it is sealed. */
const query = z.object({
  ...deadLetterFilter.omit({ text: true }).shape,
  status: deadLetterStatus,
  ...sealedSearch,
  cursor: cursor(deadLetterPosition),
});

const FIELDS = [
  { name: "status", label: "Which", options: ["dead-lettered", "discarded"] },
  { name: "reason", label: "Reason", options: DEAD_LETTER_REASONS },
  { name: "event", label: "Event type", placeholder: "NaturalPerson…" },
  { name: "entityId", label: "Person's id" },
  { name: "since", label: "Dead-lettered since", placeholder: "2026-01-31", isTime: true },
  { name: "before", label: "Before", placeholder: "2026-02-01", isTime: true },
];

const TEXT_FIELD = { name: "text", label: "Text" };

/** Returns the handler that leads from the form to the list. */
export function searchDeadLetters() {
  const fields = FIELDS.map(({ name }) => name);
  return leadToList(PATH, TEXT_FIELD.name, fields);
}

/** Returns the handler of the list of dead letters, or of discarded ones. */
export function deadLetterListPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    // To whoever may not reveal, a search for texts would tell what payloads hold.
    const mayDecide = hasRole(c.get("caller"), "operator");
    const open = (search: unknown) => (mayDecide ? openGiven(c, search) : undefined);
    const form = (given: Given, errors?: FieldErrors) => {
      const values = { status: "dead-lettered", ...given, text: open(given["search"]) };
      return mayDecide
        ? filterForm([...FIELDS, TEXT_FIELD], values, { method: "post", errors })
        : filterForm(FIELDS, values, { errors });
    };
    const read = readFilter(c, query, { title: "Dead letters", fields: FIELDS, form });
    if (!read.ok) return read.refusal;
    const { cursor, search, ...others } = read.value;
    const text = open(search);
    if (search !== undefined && text === undefined) return searchEnded(c);
    const filter = { ...others, text };
    const after = cursor?.deadLetterId;
    const { items, next } = await listDeadLetters(pool, filter, { limit: ROWS, after });
    const shown = { listed: items.length, isAll: after === undefined && next === undefined };
    const count = mayDecide
      ? await countUnlessAll(shown, () => countDeadLettersBounded(pool, filter))
      : undefined;
    return page(c, {
      title: "Dead letters",
      body: html`<div class="heading">
          <h1>Dead letters</h1>
          <p class="sub">Deliveries that wait for a decision, the latest first.</p>
        </div>
        ${form(read.given)}
        ${count ? newBulkAction(bulkOptions(filter.status, { ...read.given, text }, count)) : ""} ${table(items, filter.status === "dead-lettered" && mayDecide)}
        ${pager(read.given, nextCursor(next && { deadLetterId: String(next) }))}`,
    });
  };
}

function bulkOptions(
  status: DeadLetterStatus,
  given: Readonly<Record<string, unknown>>,
  count: BoundedCount,
): NewBulkActionOptions {
  const { cursor: _, status: __, search: ___, ...filter } = given;
  const set = Object.entries(filter).filter(([, value]) => value !== undefined);
  return {
    actions: status === "discarded" ? ["restore"] : ["redrive", "discard"],
    filter: Object.fromEntries(set) as Record<string, string>,
    count,
  };
}

function table(items: readonly DeadLetterSummary[], mayDecide: boolean): Html {
  if (items.length === 0)
    return html`<p class="card calm"><b>None.</b> No dead letter matches this filter.</p>`;
  const now = Date.now();
  return html`<section class="card flush">
    <table class="list">
      <thead>
        <tr>
          <th scope="col">What is wrong</th>
          <th scope="col">Event</th>
          <th scope="col">Person</th>
          <th scope="col" class="num">Received</th>
          <th scope="col">Dead-lettered</th>
          ${mayDecide ? html`<th scope="col">Decide</th>` : ""}
        </tr>
      </thead>
      <tbody>
        ${items.map(
          ({ deliveryId, reason, message, event, entityId, receivedAt, deadLetteredAt, discard }) =>
            html`<tr>
              <th scope="row">
                <a href="/deliveries/${deliveryId}">${toWords(reason)}</a
                ><small>${REASONS[reason].means}</small><small>${message}</small>${
                  discard && html`<small>Discarded by ${discard.decidedBy}: ${discard.reason}</small>`
                }
              </th>
              <td class="wide event">${event === null ? html`<span class="muted">type not known</span>` : html`<code>${event}</code>`}</td>
              <td data-label="Person">${entityId === null ? html`<span class="muted">not known</span>` : html`<a href="${personPagePath(entityId)}"><code><bdi>${entityId}</bdi></code></a>`}</td>
              <td class="num" data-label="Received">${age(receivedAt, now)}</td>
              <td data-label="Dead-lettered">${exactTime(deadLetteredAt)}<small>${age(deadLetteredAt, now)} ago</small></td>
              ${mayDecide ? html`<td class="actions">${decide(deliveryId)}</td>` : ""}
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** Both lead to pages that say what would happen, and ask why. */
function decide(id: string): Html {
  return html`<a href="/deliveries/${id}/redrive" aria-label="Dry run of delivery ${id}">Dry run</a>
    <a href="/deliveries/${id}#decide" aria-label="Discard delivery ${id}">Discard…</a>`;
}
