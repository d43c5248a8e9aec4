import { html } from "hono/html";
import type { Html } from "../page.ts";

/** What to do first, while no webhook was ever accepted. */
export function welcome(): Html {
  return html`<section class="card welcome">
    <h2>Getting started</h2>
    <p class="lead">No webhook has arrived yet. Once one has, this page says what needs you.</p>
    <ol>
      <li>
        <b>Point iComply at ingest.</b> Its webhooks go to <code>POST /webhooks/icomply</code> of ingest, signed with one
        of <code>ICOMPLY_WEBHOOK_SECRETS</code>.
      </li>
      <li>
        <b>Or try it with invented persons:</b> <code>dossier simulate --persons 50</code> sends their webhooks, some
        twice and out of order.
      </li>
      <li>
        <b>Let the others in.</b> Each signs in with a token of their own:
        <code>dossier token create --name "Ada Lovelace" --role operator</code>
      </li>
    </ol>
  </section>`;
}
