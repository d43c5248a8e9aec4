import {
  findBulkAction,
  listBulkFailures,
  sampleBulkAction,
  type BulkAction,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { bulkActionPath, failurePosition, SAMPLE_SIZE } from "../../api/bulk-actions.ts";
import { cursor, nextCursor } from "../../api/parameters.ts";
import { hasRole } from "../../auth.ts";
import { age, capitalize, exactTime, formatCount, formatCounted, toWords } from "../format.ts";
import { pager, ROWS } from "../list.ts";
import { liveBar } from "../live-bar.ts";
import { message } from "../message.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter } from "../read-filter.ts";
import { filterWords, progress, stateChip } from "./progress.ts";

const query = z.object({ cursor: cursor(failurePosition) });

/** Returns the bulk action that a request's path names; `undefined` if there is none. */
export async function findNamed(pool: Pool, c: Context<PageEnv>): Promise<BulkAction | undefined> {
  const named = bulkActionPath.safeParse(c.req.param());
  return named.success ? findBulkAction(pool, named.data.bulkActionId) : undefined;
}

export function noBulkAction(c: Context<PageEnv>): Promise<Response> {
  return message(c, 404, "No such bulk action", "No bulk action has this number.");
}

/** Returns the handler of the page of one bulk action: its preview, then its progress and its failures. */
export function bulkActionPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const found = await findNamed(pool, c);
    if (found === undefined) return noBulkAction(c);
    const read = readFilter(c, query);
    if (!read.ok) return read.refusal;
    const id = found.bulkActionId;
    const [sample, failures] = await Promise.all([
      sampleBulkAction(pool, id, SAMPLE_SIZE),
      listBulkFailures(pool, id, { limit: ROWS, after: read.value.cursor?.deadLetterId }),
    ]);
    const next = nextCursor(failures.next && { deadLetterId: String(failures.next) });
    const mayDecide = hasRole(c.get("caller"), "operator");
    const title = `${capitalize(found.action)} ${formatCounted({ count: found.total }, "dead letter")}`;
    return page(c, {
      title,
      assets: ["htmx"],
      body: html`<div class="heading">
          <p class="sub"><a href="/bulk-actions">Bulk actions</a> / ${id}</p>
          <h1>${title}</h1>
          <p class="sub">
            Selected by ${filterWords(found)}. ${found.state === "running" ? liveBar("2s") : ""}
          </p>
        </div>
        <div class="cols">
          <div class="stack">
            ${progressCard(found)}
            <div data-live class="stack">
              ${failuresCard(failures.items, pager(read.given, next))} ${sampleCard(found, sample)}
            </div>
          </div>
          <div class="stack">
            ${mayDecide ? nextStep(found) : ""} ${who(found)}
          </div>
        </div>`,
    });
  };
}

function progressCard(found: BulkAction): Html {
  const { state, total, decided, missed } = found;
  const left = total - decided - missed;
  return html`<section class="card" aria-labelledby="progress">
    <h2 id="progress">Progress ${stateChip(found)}</h2>
    <p>${progress(found)}</p>
    ${state === "aborted" && left > 0 ? html`<p>Nothing was decided about the other ${formatCount({ count: left })}.</p>` : ""}
    ${found.error === null ? "" : html`<p class="notice bad">${found.error.slice(0, 1_000)}</p>`}
  </section>`;
}

/** What one may do now: confirm what is previewed, abort what is running. */
function nextStep({ bulkActionId: id, action, state, total }: BulkAction): Html | string {
  if (state !== "previewed" && state !== "running") return "";
  const abort = html`<form method="post" action="/bulk-actions/${id}/abort">
    <button>Abort</button>
    <p class="hint">${state === "running" ? "What was decided before stays." : "Then nothing is decided about any of them."}</p>
  </form>`;
  if (state === "running")
    return html`<section class="card">
      <h2>Running</h2>
      ${abort}
    </section>`;
  return html`<section class="card">
    <h2>Nothing is decided yet</h2>
    ${action === "redrive" ? html`<p><a class="button" href="/bulk-actions/${id}/dry-run">Dry run</a></p>` : ""}
    <form method="post" action="/bulk-actions/${id}/confirm">
      <p><button class="primary">${capitalize(action)} exactly ${total === 1 ? "this one" : `these ${formatCount({ count: total })}`}</button></p>
    </form>
    ${abort}
  </section>`;
}

function who(found: BulkAction): Html {
  const now = Date.now();
  return html`<section class="card">
    <h2>Who and why</h2>
    <p>${found.reason}</p>
    <ol class="entries">
      <li><b>${found.createdBy}</b> · made · ${age(found.createdAt, now)} ago</li>
      ${
        found.confirmedAt &&
        html`<li><b>${found.confirmedBy}</b> · confirmed · ${age(found.confirmedAt, now)} ago</li>`
      }
      ${
        found.endedAt &&
        html`<li>${found.abortedBy && html`<b>${found.abortedBy}</b> · `}${found.state} · ${exactTime(found.endedAt)}</li>`
      }
    </ol>
  </section>`;
}

function failuresCard(
  failures: Awaited<ReturnType<typeof listBulkFailures>>["items"],
  pages: Html | string,
): Html | string {
  if (failures.length === 0) return "";
  return html`<section class="card" aria-labelledby="failures">
    <h2 id="failures">Not as decided</h2>
    <ul class="entries">
      ${failures.map(
        ({ deliveryId, failure }) =>
          html`<li>
            <a href="/deliveries/${deliveryId}"><code>${deliveryId}</code></a
            ><small>${failure === "changed" ? "nothing was decided: it had changed" : "decided; the queue may not know it yet"}</small>
          </li>`,
      )}
    </ul>
    ${pages}
  </section>`;
}

function sampleCard({ total }: BulkAction, sample: Awaited<ReturnType<typeof sampleBulkAction>>): Html {
  return html`<section class="card" aria-labelledby="sample">
    <h2 id="sample">
      ${total > sample.length ? `The latest ${sample.length} of exactly ${formatCount({ count: total })}` : "What it is about"}
    </h2>
    ${sample.length === 0 ? html`<p>${total === 0 ? "Nothing matched." : "The list is not kept any longer."}</p>` : ""}
    <ul class="entries">
      ${sample.map(
        ({ deliveryId, reason, message, event, deadLetteredAt }) =>
          html`<li>
            <a href="/deliveries/${deliveryId}">${toWords(reason)}</a> · ${
              event === null ? "type not known" : html`<code><bdi>${event}</bdi></code>`
            } · ${exactTime(deadLetteredAt)}<small>${message.slice(0, 500)}</small>
          </li>`,
      )}
    </ul>
  </section>`;
}
