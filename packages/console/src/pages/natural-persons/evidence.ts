import { isRevealed, verifyPerson, type PersonVerification, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { personPath } from "../../api/parameters.ts";
import { exportPersonEvidence } from "../../exports/evidence.ts";
import type { OnFileError } from "../../exports/file.ts";
import { personPagePath } from "../../person-path.ts";
import { age, formatCounted } from "../format.ts";
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
export function downloadEvidence(pool: Pool, onError: OnFileError) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const { entityId } = personPath.parse(c.req.param());
    if (!(await isRevealed(pool, c.get("sessionId"), entityId)))
      return message(c, 403, "Reveal this person first", "The evidence holds all personal data, unmasked.");
    return exportPersonEvidence(c, { pool, who: c.get("caller").name, entityId, onError });
  };
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
              ? html`<span class="chip ok">verified</span> ${formatCounted({ count: last.entries }, "entry", "entries")} of the chain`
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
        </div>
        <p class="hint">
          The file holds the exact bytes of each delivery, when it was received, and the chain of hashes over all of it.
          <code>dossier verify FILE</code> proves it to anybody, without this system.
        </p>`
        : ""
    }
  </section>`;
}
