import { html } from "hono/html";
import type { Html } from "./page.ts";
import { REFRESH_HEADER } from "./session.ts";

/**
 * Keeps a page live that loads `htmx`: it reads the whole page again and shows what has changed, and says so. The page's
 * script decides when.
 */
export function liveBar(every: "2s" | "5s"): Html {
  return html`<span
    id="live"
    hidden
    hx-get=""
    hx-trigger="every ${every}, refresh"
    hx-headers="${JSON.stringify({ [REFRESH_HEADER]: "1" })}"
    hx-target="#main"
    hx-select="#main"
    hx-swap="outerMorph"
    hx-morph-skip
  ></span>`;
}
