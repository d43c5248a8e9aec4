import { findDeadLetter, type DeliveryHistory, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { deliveryId } from "../../api/parameters.ts";
import { age, toWords } from "../format.ts";
import { message } from "../message.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { REASONS } from "./reasons.ts";

type DeadLetterRecord = DeliveryHistory["deadLetters"][number];

/** Returns the handler of the page of one delivery that was ever dead-lettered, without its payload. */
export function deadLetterPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const id = deliveryId.safeParse(c.req.param("deliveryId"));
    const history = id.success ? await findDeadLetter(pool, id.data) : undefined;
    const last = history?.deadLetters.at(-1);
    if (history === undefined || last === undefined)
      return message(c, 404, "No such dead letter", "No delivery with this id was ever dead-lettered.");
    return page(c, { title: toWords(last.reason), body: body(history, last, Date.now()) });
  };
}

const STATUS_LEVELS: Readonly<Record<string, string>> = {
  "dead-lettered": "bad",
  open: "warn",
  applied: "ok",
  duplicate: "ok",
};

function body(history: DeliveryHistory, last: DeadLetterRecord, now: number): Html {
  const { status, deliveryId, receivedAt } = history;
  return html`<div class="heading">
      <p class="sub"><a href="/dead-letters">Dead letters</a> / ${toWords(last.reason)}</p>
      <h1>
        ${capitalize(REASONS[last.reason].means)}
        <span class="chip ${STATUS_LEVELS[status] ?? ""}">${toWords(status)}</span>
      </h1>
      <p class="sub">
        delivery <code>${deliveryId}</code> · received ${age(receivedAt, now)} ago · dead-lettered
        ${age(last.deadLetteredAt, now)} ago
      </p>
    </div>
    <div class="cols">
      <div class="stack">
        ${whatIsWrong(last)} ${failedAttempts(history)}
      </div>
      <div class="stack">
        <section class="card">
          <h2>What to do</h2>
          <p>${status === "dead-lettered" ? REASONS[last.reason].remedy : AFTER[status]}</p>
        </section>
        ${facts(history, last)} ${decisions(history, now)}
      </div>
    </div>`;
}

/** What is to do once somebody has decided. */
const AFTER: Readonly<Record<DeliveryHistory["status"], string>> = {
  "dead-lettered": "",
  open: "Nothing: it was redriven, and a worker settles it.",
  applied: "Nothing: it is in the log.",
  duplicate: "Nothing: the log had its event already.",
  discarded: "Nothing: it was discarded. A restore undoes that.",
};

function whatIsWrong({ message, issues, codeVersion }: DeadLetterRecord): Html {
  return html`<section class="card">
    <h2>What is wrong</h2>
    ${
      issues.length === 0
        ? html`<p>${message}</p>`
        : html`<ul class="issues">
          ${issues.map(({ path, message }) => html`<li><code>${path}</code> ${message}</li>`)}
        </ul>`
    }
    <p class="hint">Found by version ${codeVersion}. The payload holds personal data, and is not shown here.</p>
  </section>`;
}

function failedAttempts({ failedAttempts: attempts }: DeliveryHistory): Html | string {
  if (attempts.length === 0) return "";
  return html`<section class="card">
    <h2>Failed attempts</h2>
    ${attempts.map(
      ({ attempt, failedAt, error, stack, codeVersion }) =>
        html`<details>
          <summary>
            <b>${attempt}.</b> ${error} <small>${failedAt.slice(0, 19)}Z, version ${codeVersion}</small>
          </summary>
          <pre tabindex="0">${stack ?? "No stack was recorded."}</pre>
        </details>`,
    )}
  </section>`;
}

function facts({ verifiedBy, secretFingerprint, body }: DeliveryHistory, last: DeadLetterRecord): Html {
  const rows = [
    ["Event", last.event],
    ["Id", last.id],
    ["Person", last.entityId],
    ["Verified by", toWords(verifiedBy)],
    ["Secret", secretFingerprint],
    ["Bytes", String(body.length)],
  ] as const;
  return html`<section class="card">
    <h2>Delivery</h2>
    <dl class="facts">
      ${rows.map(
        ([term, value]) =>
          html`<dt>${term}</dt>
            <dd>${value === null ? "not known" : html`<code><bdi>${value}</bdi></code>`}</dd>`,
      )}
    </dl>
  </section>`;
}

function decisions({ decisions: made }: DeliveryHistory, now: number): Html {
  return html`<section class="card">
    <h2>Decisions</h2>
    ${
      made.length === 0
        ? html`<p class="muted">None yet</p>`
        : html`<ol class="entries">
          ${made.map(
            ({ action, decidedBy, reason, at }) =>
              html`<li>
                <b>${decidedBy}</b> · ${action} · ${age(at, now)} ago<small>${reason}</small>
              </li>`,
          )}
        </ol>`
    }
  </section>`;
}

function capitalize(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
