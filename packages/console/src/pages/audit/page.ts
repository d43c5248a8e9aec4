import { formatTicks } from "@dossier/events";
import { AUDIT_ACTIONS, findDeliveryIds, listAudit, type AuditEntry, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { auditFilter } from "../../api/audit.ts";
import { nextCursor } from "../../api/parameters.ts";
import { exportAudit } from "../../exports/audit.ts";
import type { OnFileError } from "../../exports/file.ts";
import { personPagePath } from "../../person-path.ts";
import { readForm } from "../form.ts";
import { exactTime, toWords } from "../format.ts";
import { filterForm, pager, ROWS } from "../list.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter } from "../read-filter.ts";

const FIELDS = [
  { name: "who", label: "Who", placeholder: "Ada Lovelace" },
  { name: "action", label: "Did what", options: AUDIT_ACTIONS },
  { name: "subject", label: "To which delivery or person" },
  { name: "since", label: "Since", placeholder: "2026-01-31", isTime: true },
  { name: "before", label: "Before", placeholder: "2026-02-01", isTime: true },
];

/** Returns the handler of the audit log's page. */
export function auditPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = readFilter(c, auditFilter, {
      title: "Audit",
      fields: FIELDS,
      form: (given, errors) => filterForm(FIELDS, given, { errors }),
    });
    if (!read.ok) return read.refusal;
    const { cursor, ...filter } = read.value;
    const { items, next } = await listAudit(pool, filter, { limit: ROWS, after: cursor });
    const deliveries = await findDeliveryIds(
      pool,
      items.flatMap(({ subject }) => subject ?? []),
    );
    const after = next && { ...next, ticks: formatTicks(next.ticks), id: String(next.id) };
    return page(c, {
      title: "Audit",
      body: html`<div class="heading">
          <h1>Audit</h1>
          <p class="sub">Who did what, the latest first. No entry is ever changed or removed.</p>
        </div>
        ${filterForm(FIELDS, read.given)} ${exportForm(read.given)} ${table(items, deliveries)} ${pager(read.given, nextCursor(after))}`,
    });
  };
}

const exportFields = auditFilter.omit({ cursor: true }).extend({ format: z.enum(["csv", "json"]) });

/** Returns the handler that exports what the filter selects, all pages of it. */
export function downloadAudit(pool: Pool, onError: OnFileError) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = await readForm(c, exportFields);
    if (!read.ok) return read.refusal;
    const { format, ...filter } = read.value;
    return exportAudit(c, { pool, who: c.get("caller").name, filter, format, onError });
  };
}

function exportForm({ cursor: _, ...filter }: Readonly<Record<string, unknown>>): Html {
  return html`<form method="post" action="/audit/export" class="exports">
    ${Object.entries(filter).map(([name, value]) => html`<input type="hidden" name="${name}" value="${String(value)}" />`)}
    <button name="format" value="csv">Export CSV</button> <button name="format" value="json">Export JSON</button>
    <span class="hint">All that the filter selects. That you export is an entry, too.</span>
  </form>`;
}

function table(items: readonly AuditEntry[], deliveries: ReadonlySet<string>): Html {
  if (items.length === 0) return html`<p class="card"><b>None.</b> No entry matches this filter.</p>`;
  return html`<section class="card flush">
    <table class="list">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">Did what</th>
          <th scope="col">Why</th>
        </tr>
      </thead>
      <tbody>
        ${joinBulk(items).map(
          ({ entry, count }) =>
            html`<tr>
              <th scope="row">${exactTime(entry.at)}</th>
              <td data-label="Who">${entry.who ?? "unknown"}</td>
              <td data-label="Did what">${toWords(entry.action)} ${count > 1 ? `${count} deliveries` : subject(entry, deliveries)} ${detail(entry)}</td>
              <td data-label="Why">${entry.reason ?? "–"}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}

/** Joins the decisions of one bulk action that stand one behind the other. */
function joinBulk(
  items: readonly AuditEntry[],
): readonly { readonly entry: AuditEntry; readonly count: number }[] {
  const joined: { entry: AuditEntry; count: number }[] = [];
  for (const entry of items) {
    const last = joined.at(-1);
    const bulkAction = DECISIONS.has(entry.action) ? entry.detail?.["bulkAction"] : undefined;
    const isNext = last?.entry.action === entry.action && last.entry.detail?.["bulkAction"] === bulkAction;
    if (last !== undefined && bulkAction !== undefined && isNext) last.count += 1;
    else joined.push({ entry, count: 1 });
  }
  return joined;
}

const DECISIONS = new Set<string>(["redrove", "discarded", "restored"]);

const OF_PERSONS = new Set<string>(["revealed", "exported", "verified", "read"]);

/** A delivery whose bytes do not say whom it concerns is revealed, and read, by its own id. */
function subject({ subject: id, action }: AuditEntry, deliveries: ReadonlySet<string>): Html | string {
  if (id === null) return "";
  const shown = html`<code><bdi>${id}</bdi></code>`;
  if (DECISIONS.has(action) || deliveries.has(id)) return html`<a href="/deliveries/${id}">${shown}</a>`;
  return OF_PERSONS.has(action) ? html`<a href="${personPagePath(id)}">${shown}</a>` : shown;
}

function detail({ detail: all }: AuditEntry): Html | string {
  if (all === null) return "";
  const { bulkAction, ...others } = all;
  const words = Object.entries(others).map(([name, value]) => `${name}: ${value}`);
  const link = html`<a href="/bulk-actions/${bulkAction}">bulk action ${bulkAction}</a> `;
  return html`${bulkAction === undefined ? "" : link}<span class="muted">${words.join(", ")}</span>`;
}
