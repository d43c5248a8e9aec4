import type { Context } from "hono";
import { html } from "hono/html";
import { page, type Html, type PageEnv, type PageOptions } from "./page.ts";

/** Answers a page that says what was wrong and what to do. */
export function message(
  c: Context<PageEnv>,
  status: NonNullable<PageOptions["status"]>,
  title: string,
  detail: Html | string,
): Promise<Response> {
  return page(c, {
    title,
    status,
    body: html`<section class="card message">
      <h1>${title}</h1>
      <p>${detail}</p>
      <p><a href="/">Back to the worklist</a></p>
    </section>`,
  });
}
