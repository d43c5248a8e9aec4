import { listBulkActions, type BulkAction, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { bulkActionPosition } from "../../api/bulk-actions.ts";
import { cursor, nextCursor } from "../../api/parameters.ts";
import { age, capitalize, formatCounted } from "../format.ts";
import { pager, ROWS } from "../list.ts";
import { liveBar } from "../live-bar.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter } from "../read-filter.ts";
import { filterWords, progress, stateChip } from "./progress.ts";

const query = z.object({ cursor: cursor(bulkActionPosition) });

/** Returns the handler of the list of bulk actions. */
export function bulkActionListPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = readFilter(c, query);
    if (!read.ok) return read.refusal;
    const after = read.value.cursor?.bulkActionId;
    const { items, next } = await listBulkActions(pool, { limit: ROWS, after });
    return page(c, {
      title: "Bulk actions",
      assets: ["htmx"],
      body: html`<div class="heading">
          <h1>Bulk actions</h1>
          <p class="sub">
            Decisions about all dead letters that a filter selected, the latest first.
            ${items.some(({ state }) => state === "running") ? liveBar("2s") : ""}
          </p>
        </div>
        <div data-live>${table(items)}</div>
        ${pager(read.given, nextCursor(next && { bulkActionId: next }))}`,
    });
  };
}

function table(items: readonly BulkAction[]): Html {
  if (items.length === 0)
    return html`<p class="card">
      <b>None yet.</b> A bulk action begins in the list of <a href="/dead-letters">dead letters</a>, with a filter.
    </p>`;
  const now = Date.now();
  return html`<section class="card flush">
    <table class="list">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Who and why</th>
          <th scope="col">State</th>
          <th scope="col">Progress</th>
          <th scope="col" class="num">Made</th>
        </tr>
      </thead>
      <tbody>
        ${items.map(
          (one) =>
            html`<tr>
              <th scope="row">
                <a href="/bulk-actions/${one.bulkActionId}"
                  >${capitalize(one.action)} ${formatCounted({ count: one.total }, "dead letter")}</a
                ><small>${filterWords(one)}</small>
              </th>
              <td class="wide">${one.confirmedBy ?? one.createdBy}<small>${one.reason}</small></td>
              <td>${stateChip(one)}</td>
              <td class="wide">${progress(one)}</td>
              <td class="num" data-label="Made">${age(one.createdAt, now)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`;
}
