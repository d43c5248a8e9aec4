/** The parts of a delivery's page, apart from its payload and what one may do. */
import type { DeliveryHistory } from "@dossier/store";
import { html } from "hono/html";
import { HIDDEN, maskError } from "../../masking/mask.ts";
import { personPagePath } from "../../person-path.ts";
import { age, exactTime, formatBytes, formatCounted, toWords } from "../format.ts";
import type { Html } from "../page.ts";

export type DeadLetterRecord = DeliveryHistory["deadLetters"][number];

/** Of each list on the page, so many are shown: the latest. */
const MAX_LISTED = 20;

/** Characters that are shown of a text that a program or a sender wrote. */
const MAX_TEXT_LENGTH = 4_000;

/** What is wrong with a delivery that is a dead letter, or was one the last time. */
export function whatIsWrong({ message, issues, codeVersion }: DeadLetterRecord): Html {
  const listed = issues.slice(0, MAX_LISTED);
  const notListed = issues.length - listed.length;
  return html`<section class="card">
    <h2>What is wrong</h2>
    ${
      issues.length === 0
        ? html`<p>${cut(message)}</p>`
        : html`<ul class="issues">
          ${listed.map(({ path, message }) => html`<li><code><bdi>${cut(path)}</bdi></code> ${cut(message)}</li>`)}
        </ul>`
    }
    <p class="hint">
      ${notListed === 0 ? "" : `${formatCounted({ count: notListed }, "further field")} ${notListed === 1 ? "is" : "are"} not listed. `}Found by
      version ${codeVersion}.
    </p>
  </section>`;
}

/** What an open delivery came to so far. */
export function openState({ open }: DeliveryHistory, now: number, isRevealed: boolean): Html | string {
  if (open === null) return "";
  const { attempts, stalls, snoozedUntil, nextAttemptBy, lastError } = open;
  const rows = [
    ["Attempts used", String(attempts)],
    ["Next attempt by", exactTime(nextAttemptBy)],
    ...(snoozedUntil === null ? [] : [["Snoozed until", exactTime(snoozedUntil)] as const]),
    ...(stalls < 2 ? [] : [["Workers stopped at it", String(stalls - 1)] as const]),
    ...(lastError === null
      ? []
      : [["Last error", isRevealed ? cut(lastError) : maskError(lastError)] as const]),
  ] as const;
  const isDue = Date.parse(nextAttemptBy) < now;
  return html`<section class="card">
    <h2>Open</h2>
    ${factList(rows)}
    ${isDue ? html`<p class="hint">It is due: a worker takes it next.</p>` : ""}
  </section>`;
}

/** What each attempt failed with. An error's message and stack may quote the payload. */
export function failedAttempts(
  { failedAttempts: attempts }: DeliveryHistory,
  isRevealed: boolean,
): Html | string {
  if (attempts.length === 0) return "";
  const listed = attempts.slice(-MAX_LISTED);
  return html`<section class="card">
    <h2>Failed attempts${listed.length < attempts.length ? `, the last ${listed.length} of ${attempts.length}` : ""}</h2>
    ${listed.map(
      ({ attempt, failedAt, error, stack, codeVersion }) =>
        html`<details>
          <summary>
            <b>${attempt}.</b> ${isRevealed ? cut(error) : maskError(error)} <small>${exactTime(failedAt)}, version ${codeVersion}</small>
          </summary>
          <pre tabindex="0" role="region" aria-label="Stack of attempt ${attempt}">${
            isRevealed ? cut(stack ?? "No stack was recorded.") : HIDDEN
          }</pre>
        </details>`,
    )}
  </section>`;
}

/** How it was received and verified, and what it became. */
export function facts(history: DeliveryHistory): Html {
  const { event, id, entityId, receivedAt, settledAt, entry, verifiedBy, secretFingerprint, body } = history;
  return html`<section class="card">
    <h2>Delivery</h2>
    ${factList([
      ["Event", code(event)],
      ["Id", code(id)],
      [
        "Person",
        entityId === null
          ? "not known"
          : html`<a href="${personPagePath(entityId)}"><code><bdi>${entityId}</bdi></code></a>`,
      ],
      ["Received", exactTime(receivedAt)],
      ["Settled", settledAt === null ? "not yet" : exactTime(settledAt)],
      ["In the log", entry === null ? "no" : `entry ${entry.seq} of the person, ${article(entry.kind)}`],
      ["Verified by", toWords(verifiedBy)],
      [
        "Secret",
        html`<a href="/deliveries?secret=${encodeURIComponent(secretFingerprint)}"><code>${secretFingerprint}</code></a>`,
      ],
      ["Size", formatBytes(body.length)],
    ])}
  </section>`;
}

function article(kind: "event" | "redelivery"): string {
  return kind === "event" ? "an event" : "a redelivery";
}

export function headers({ headers: all }: DeliveryHistory): Html {
  const rows = Object.entries(all).slice(0, MAX_LISTED);
  return html`<section class="card">
    <h2>Headers</h2>
    ${
      rows.length === 0
        ? html`<p class="muted">None was recorded.</p>`
        : factList(rows.map(([name, value]) => [name, html`<code><bdi>${cut(value)}</bdi></code>`] as const))
    }
  </section>`;
}

/** Each time that it was dead-lettered, and each decision, in the order in which they happened. */
export function history({ deadLetters, decisions }: DeliveryHistory, now: number): Html {
  const entries = [
    ...deadLetters.map(({ deadLetteredAt, reason, codeVersion }) => ({
      at: deadLetteredAt,
      what: html`<b>dead-lettered</b> · ${toWords(reason)} · ${age(deadLetteredAt, now)} ago<small>by version ${codeVersion}</small>`,
    })),
    ...decisions.map(({ action, decidedBy, reason, at }) => ({
      at,
      what: html`<b>${decidedBy}</b> · ${action} · ${age(at, now)} ago<small>${cut(reason)}</small>`,
    })),
  ].toSorted((a, b) => (a.at < b.at ? -1 : 1));
  const listed = entries.slice(-MAX_LISTED);
  return html`<section class="card">
    <h2>History</h2>
    ${
      listed.length === 0
        ? html`<p class="muted">No decision was needed</p>`
        : html`<ol class="entries" start="${entries.length - listed.length + 1}">
          ${listed.map(({ what }) => html`<li>${what}</li>`)}
        </ol>`
    }
  </section>`;
}

function factList(rows: readonly (readonly [string, Html | string])[]): Html {
  return html`<dl class="facts">
    ${rows.map(
      ([term, value]) =>
        html`<dt>${term}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}

function code(value: string | null): Html | string {
  return value === null ? "not known" : html`<code><bdi>${value}</bdi></code>`;
}

function cut(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
}
