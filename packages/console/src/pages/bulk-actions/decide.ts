import {
  abortBulkAction,
  confirmBulkAction,
  findBulkAction,
  sampleBulkAction,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { dryRunSelection } from "../../api/dry-run.ts";
import { dryRun } from "../dead-letters/dry-run.ts";
import { message } from "../message.ts";
import { page, type PageEnv } from "../page.ts";
import { findNamed, noBulkAction } from "./detail.ts";

/** Deliveries that the page's dry run runs at most: as many as somebody reads, answered at once. */
const MAX_RUN = 100;

/** Returns the handler that has a bulk action carried out. */
export function confirmForm(pool: Pool, wake: () => void) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const found = await findNamed(pool, c);
    if (found === undefined) return noBulkAction(c);
    const id = found.bulkActionId;
    await confirmBulkAction(pool, id, c.get("caller").name);
    wake();
    return answerUnless("aborted", c, pool, id);
  };
}

/** Returns the handler that ends a bulk action. */
export function abortForm(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const found = await findNamed(pool, c);
    if (found === undefined) return noBulkAction(c);
    const id = found.bulkActionId;
    await abortBulkAction(pool, id, c.get("caller").name);
    return answerUnless("completed", c, pool, id);
  };
}

async function answerUnless(
  ended: "aborted" | "completed",
  c: Context<PageEnv>,
  pool: Pool,
  id: number,
): Promise<Response> {
  const found = await findBulkAction(pool, id);
  if (found?.state !== ended) return c.redirect(`/bulk-actions/${id}`, 303);
  return message(
    c,
    409,
    `It is ${ended} already`,
    html`See <a href="/bulk-actions/${id}">bulk action ${id}</a>.`,
  );
}

/** Returns the handler of the page that shows what a bulk action would do with the latest of its set. */
export function bulkDryRunPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const found = await findNamed(pool, c);
    if (found === undefined) return noBulkAction(c);
    const id = found.bulkActionId;
    if (found.action !== "redrive")
      return message(c, 404, "There is no dry run of this", "It is no redrive: no person's state changes.");
    const sample = await sampleBulkAction(pool, id, MAX_RUN);
    const deliveryIds = sample.map(({ deliveryId }) => deliveryId);
    const result = { ...(await dryRunSelection(pool, { deliveryIds })), notRun: found.total - sample.length };
    return page(c, {
      title: "Dry run of a bulk action",
      body: html`<div class="heading">
          <p class="sub"><a href="/bulk-actions/${id}">Back to bulk action ${id}</a></p>
          <h1>Dry run of a bulk action</h1>
          <p class="sub">What this version of the code would do with ${found.total > MAX_RUN ? `the latest ${MAX_RUN} of the ${found.total}` : "the"} dead letters that it selected.</p>
        </div>
        <div class="stack">${await dryRun(pool, c.get("sessionId"), result)}</div>`,
    });
  };
}
