import { findDelivery, isRevealed, type DeliveryHistory, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { mayStopWorkers } from "../../api/delivery-history.ts";
import { deliveryId } from "../../api/parameters.ts";
import { hasRole } from "../../auth.ts";
import { decisionForms } from "../dead-letters/decide.ts";
import { REASONS } from "../dead-letters/reasons.ts";
import { age, capitalize, toWords } from "../format.ts";
import { message } from "../message.ts";
import { revealForm } from "../natural-persons/reveal.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { facts, failedAttempts, headers, history as historyOf, openState, whatIsWrong } from "./cards.ts";
import { payload, type PayloadOptions } from "./payload.ts";
import { statusChip } from "./status.ts";

/** Returns the handler of the page of one delivery, whatever became of it. */
export function deliveryPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const id = deliveryId.safeParse(c.req.param("deliveryId"));
    const history = id.success ? await findDelivery(pool, id.data) : undefined;
    if (history === undefined) return noDelivery(c);
    // What bytes cannot be read say nothing of whom they concern.
    const subject = history.entityId ?? history.deliveryId;
    const revealed = await isRevealed(pool, c.get("sessionId"), subject);
    const mayAct = hasRole(c.get("caller"), "operator");
    return page(c, {
      title: titleOf(history),
      body: body(history, mayAct ? decisionForms(history.deliveryId, history.status) : "", {
        body: history.body,
        isParsed: !mayStopWorkers(history),
        issues: isDeadLetter(history) ? (history.deadLetters.at(-1)?.issues ?? []) : [],
        position: positionOf(history),
        isRevealed: revealed,
        revealForm: mayAct && !revealed ? revealForm(subject, c.req.path) : "",
      }),
    });
  };
}

function noDelivery(c: Context<PageEnv>): Promise<Response> {
  return message(c, 404, "No such delivery", "No delivery has this id.");
}

/** Leads to the page of a delivery, as a dead letter has no page of its own. */
export async function toDelivery(c: Context<PageEnv>): Promise<Response> {
  return c.redirect(`/deliveries/${encodeURIComponent(c.req.param("deliveryId") ?? "")}`, 301);
}

function isDeadLetter({ status }: DeliveryHistory): boolean {
  return status === "dead-lettered" || status === "discarded";
}

/** Returns the character at which the bytes are no JSON, if the dead letter says so. */
function positionOf({ deadLetters }: DeliveryHistory): number | undefined {
  const last = deadLetters.at(-1);
  const position = last?.reason === "unparsable" && /error at character (\d+)$/.exec(last.message)?.[1];
  return position ? Number(position) : undefined;
}

function titleOf(history: DeliveryHistory): string {
  const last = history.deadLetters.at(-1);
  if (last !== undefined && isDeadLetter(history)) return capitalize(REASONS[last.reason].means);
  return history.event ?? "Delivery";
}

function body(history: DeliveryHistory, forms: Html | string, options: PayloadOptions): Html {
  const now = Date.now();
  const { status, deliveryId, receivedAt, deadLetters } = history;
  const last = deadLetters.at(-1);
  const from = isDeadLetter(history)
    ? { path: "/dead-letters", label: "Dead letters" }
    : { path: "/deliveries", label: "Deliveries" };
  return html`<div class="heading">
      <p class="sub"><a href="${from.path}">${from.label}</a> / ${last && isDeadLetter(history) ? toWords(last.reason) : "one delivery"}</p>
      <h1><bdi>${titleOf(history)}</bdi> ${statusChip(status)}</h1>
      <p class="sub">delivery <code>${deliveryId}</code> · received ${age(receivedAt, now)} ago</p>
    </div>
    <div class="cols">
      <div class="stack">
        ${last && isDeadLetter(history) ? whatIsWrong(last) : ""} ${payload(options)} ${failedAttempts(history, options.isRevealed)}
      </div>
      <div class="stack">
        <section class="card" id="decide">
          <h2>What to do</h2>
          <p>${last && status === "dead-lettered" ? REASONS[last.reason].remedy : AFTER[status]}</p>
          ${forms}
        </section>
        ${openState(history, now, options.isRevealed)} ${facts(history)} ${historyOf(history, now)} ${headers(history)}
      </div>
    </div>`;
}

/** What is to do about a delivery that is no dead letter. */
const AFTER: Readonly<Record<DeliveryHistory["status"], string>> = {
  "dead-lettered": "",
  open: "Nothing: a worker settles it.",
  applied: "Nothing: it is in the log.",
  duplicate: "Nothing: the log had its event already.",
  discarded: "Nothing: it was discarded. A restore undoes that.",
};
