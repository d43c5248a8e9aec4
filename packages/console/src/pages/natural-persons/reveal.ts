import { reveal, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { z } from "zod";
import { personPath } from "../../api/parameters.ts";
import { MAX_REASON_LENGTH, reason } from "../../api/selection.ts";
import { personPagePath } from "../../person-path.ts";
import { readForm } from "../form.ts";
import { message } from "../message.ts";
import { ownPath } from "../own-path.ts";
import type { Html, PageEnv } from "../page.ts";

const form = z.object({ reason, next: z.string().optional() });

/** Returns the handler that reveals a person to whoever says why, in their session, and leads back. */
export function revealPerson(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const { entityId } = personPath.parse(c.req.param());
    const read = await readForm(c, form);
    if (!read.ok) return read.refusal;
    const { sessionId } = c.var;
    // There is a role without a session only while there is no token, and that role is a viewer's.
    if (sessionId === undefined) return message(c, 403, "Nobody is signed in", "Sign in to reveal.");
    const { reason, next } = read.value;
    await reveal(pool, { sessionId, subject: entityId, who: c.var.caller.name, reason });
    return c.redirect(next === undefined ? personPagePath(entityId) : ownPath(next), 303);
  };
}

/**
 * The button that reveals a person, which asks for a reason.
 *
 * @param next the path and query of the page that it is on
 */
export function revealForm(entityId: string, next: string): Html {
  return html`<details class="ask">
    <summary class="button">Reveal…</summary>
    <form method="post" action="${personPagePath(entityId)}/reveal" class="card">
      <label for="reveal-reason">Why do you need to see this?</label>
      <input id="reveal-reason" name="reason" required maxlength="${MAX_REASON_LENGTH}" autocomplete="off" />
      <input type="hidden" name="next" value="${next}" />
      <p class="hint">
        Names, e-mails and payloads of this person are shown to you for 15 minutes. Your name and the reason go into the
        audit log, for ever.
      </p>
      <button class="primary">Reveal for 15 minutes</button>
    </form>
  </details>`;
}
