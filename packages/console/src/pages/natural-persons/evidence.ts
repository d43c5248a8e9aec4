import { version } from "@dossier/service";
import {
  appendAudit,
  exportEvidence,
  isRevealed,
  verifyPerson,
  type PersonVerification,
  type Pool,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { personPath } from "../../api/parameters.ts";
import { personPagePath } from "../../person-path.ts";
import { download } from "../download.ts";
import { age } from "../format.ts";
import { message } from "../message.ts";
import type { Html, PageEnv } from "../page.ts";

/** Returns the handler that verifies a person's evidence now, and leads back to the page that says what was found. */
export function verifyNow(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const { entityId } = personPath.parse(c.req.param());
    await verifyPerson(pool, entityId, c.get("caller").name);
    return c.redirect(`${personPagePath(entityId)}#evidence`, 303);
  };
}

/** Returns the handler that exports a person's evidence. It has all bytes unmasked, so it takes a reveal. */
export function exportPersonEvidence(pool: Pool, onError: (err: unknown) => void) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const { entityId } = personPath.parse(c.req.param());
    if (!(await isRevealed(pool, c.get("sessionId"), entityId)))
      return message(c, 403, "Reveal this person first", "The evidence holds all personal data, unmasked.");
    await appendAudit(pool, {
      who: c.get("caller").name,
      action: "exported",
      subject: entityId,
      detail: { what: "evidence" },
    });
    const file = { name: "evidence.jsonl", type: "application/jsonl; charset=utf-8" };
    return download(c, file, readLines(pool, entityId), onError);
  };
}

async function* readLines(pool: Pool, entityId: string): AsyncGenerator<string> {
  for await (const line of exportEvidence(pool, entityId, version)) yield `${line}\n`;
}

export interface EvidenceOptions {
  readonly entityId: string;
  readonly last: PersonVerification | undefined;
  readonly mayAct: boolean;
  readonly revealed: boolean;
  readonly now: number;
}

/** What the last verification found, and the buttons that verify and export. */
export function evidenceCard({ entityId, last, mayAct, revealed, now }: EvidenceOptions): Html {
  const path = personPagePath(entityId);
  return html`<section class="card" aria-labelledby="evidence">
    <h2 id="evidence">Evidence</h2>
    ${
      last === undefined
        ? html`<p class="muted">Not verified here yet.</p>`
        : html`<p>
          ${
            last.wrong === 0
              ? html`<span class="chip ok">verified</span> ${last.entries} entries of the chain`
              : html`<span class="chip bad">${last.wrong} wrong</span> ${last.failed}`
          }
          <small>${age(last.at, now)} ago, by ${last.who}</small>
        </p>`
    }
    ${
      mayAct
        ? html`<div class="row">
          <form method="post" action="${path}/verify"><button>Verify now</button></form>
          ${
            revealed
              ? html`<form method="post" action="${path}/evidence"><button>Download evidence</button></form>`
              : html`<span class="muted">Reveal to download the evidence.</span>`
          }
        </div>`
        : ""
    }
  </section>`;
}
