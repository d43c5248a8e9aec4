import type { Context } from "hono";
import { html, raw } from "hono/html";
import { page, type Html, type PageEnv } from "../page.ts";
import { EVENTS_PATH } from "./live.ts";
import type { Parts } from "./parts.ts";

/** Returns the handler of the first page: what needs a person now, and whether the system is healthy. */
export function worklistPage(readParts: () => Promise<Parts>) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const parts = await readParts();
    const live = (name: keyof Parts): Html => html`<div data-live="${name}">${raw(parts[name])}</div>`;
    return page(c, {
      title: "Worklist",
      body: html`<div class="heading">
          <h1>Worklist</h1>
          <p class="sub">
            What needs a person now.
            <span id="live" data-events="${EVENTS_PATH}" hidden></span>
          </p>
        </div>
        ${live("health")}
        <div class="cols">
          <div class="stack">${live("decisions")}${live("refused")}</div>
          <div class="stack">${live("persons")}${live("stuck")}</div>
        </div>
        ${live("charts")}`,
      assets: ["plotStyle", "plot", "charts"],
    });
  };
}
