import { findDelivery, type DecisionAction, type DeliveryStatus, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { dryRunSelection } from "../../api/dry-run.ts";
import { deliveryId } from "../../api/parameters.ts";
import { decisionBody, MAX_REASON_LENGTH } from "../../api/selection.ts";
import type { Decide } from "../../decide.ts";
import { readForm } from "../form.ts";
import { capitalize } from "../format.ts";
import { message } from "../message.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { dryRun, hasEffect } from "./dry-run.ts";

/** Returns the handler of a form that decides about one delivery, and leads back to its page. */
export function decideForm(decide: Decide, action: DecisionAction) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const id = deliveryId.safeParse(c.req.param("deliveryId"));
    const read = await readForm(c, decisionBody);
    if (!read.ok) return read.refusal;
    const { reason } = read.value;
    if (!id.success || reason === undefined) return message(c, 404, "No such delivery", "This is no id.");
    const { decided } = await decide(action, [id.data], { decidedBy: c.get("caller").name, reason });
    return decided === 0 ? noDecision(c, id.data, action) : c.redirect(`/deliveries/${id.data}`, 303);
  };
}

function noDecision(c: Context<PageEnv>, id: string, action: DecisionAction): Promise<Response> {
  const state = action === "restore" ? "discarded" : "a dead letter";
  return message(
    c,
    409,
    "Nothing was decided",
    html`Delivery <a href="/deliveries/${id}"><code>${id}</code></a> is not ${state} any more, or never was.`,
  );
}

/** Returns the handler of the page that shows what a redrive would do, and asks for the reason. */
export function redrivePage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const id = deliveryId.safeParse(c.req.param("deliveryId"));
    const history = id.success ? await findDelivery(pool, id.data) : undefined;
    if (history === undefined) return message(c, 404, "No such delivery", "No delivery has this id.");
    if (history.status !== "dead-lettered") return noDecision(c, history.deliveryId, "redrive");
    const result = await dryRunSelection(pool, { deliveryIds: [history.deliveryId] });
    return page(c, {
      title: "Redrive a dead letter",
      body: html`<div class="heading">
          <p class="sub"><a href="/deliveries/${history.deliveryId}">Back to the delivery</a></p>
          <h1>Redrive a dead letter</h1>
          <p class="sub">What this version of the code would do with delivery <code>${history.deliveryId}</code>.</p>
        </div>
        <div class="cols">
          <div class="stack">${await dryRun(pool, c.get("sessionId"), result)}</div>
          <section class="card">
            <h2>Redrive it</h2>
            ${hasEffect(result) ? "" : html`<p class="notice">A redrive now does no harm, and no good: it would be a dead letter again.</p>`}
            ${reasonForm(history.deliveryId, "redrive")}
          </section>
        </div>`,
    });
  };
}

/** What an operator may decide about a delivery: nothing, unless it is a dead letter or discarded. */
export function decisionForms(id: string, status: DeliveryStatus): Html | string {
  if (status === "discarded")
    return html`<details class="ask">
      <summary class="button">Restore…</summary>
      ${reasonForm(id, "restore")}
    </details>`;
  if (status !== "dead-lettered") return "";
  return html`<p><a class="button" href="/deliveries/${id}/redrive">Dry run, then redrive…</a></p>
    <details class="ask">
      <summary class="button">Discard…</summary>
      ${reasonForm(id, "discard")}
    </details>`;
}

const HINTS: Readonly<Record<DecisionAction, string>> = {
  redrive: "It is open again with all its attempts, and a worker settles it.",
  discard: "It is not listed any more and has no effect. Its history stays, and a restore undoes this.",
  restore: "It is a dead letter again, to be redriven or discarded.",
};

function reasonForm(id: string, action: DecisionAction): Html {
  return html`<form method="post" action="/deliveries/${id}/${action}">
    <label for="reason-${action}">Why?</label>
    <input id="reason-${action}" name="reason" required maxlength="${MAX_REASON_LENGTH}" autocomplete="off" aria-describedby="hint-${action}" />
    <p class="hint" id="hint-${action}">${HINTS[action]} Your name and the reason are kept for ever.</p>
    <button class="primary">${capitalize(action)}</button>
  </form>`;
}
