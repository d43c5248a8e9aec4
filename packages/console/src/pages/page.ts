import type { ServerResponse } from "node:http";
import type { Context } from "hono";
import { html, raw } from "hono/html";
import type { SecureHeadersVariables } from "hono/secure-headers";
import { hasRole, type Caller } from "../auth.ts";
import { ASSET_PATHS } from "./assets.ts";

/** What a page's handler gets of a request beside itself. */
export type PageEnv = {
  Bindings: { outgoing: ServerResponse };
  Variables: SecureHeadersVariables & {
    readonly caller: Caller;
    readonly isSignedIn: boolean;
    /** `undefined` for the anonymous viewer. */
    readonly sessionId: string | undefined;
  };
};

export type Html = ReturnType<typeof html>;

/** The pages that the navigation leads to, and the least role that sees each. */
const NAVIGATION = [
  { path: "/", label: "Worklist", role: "viewer" },
  { path: "/natural-persons", label: "People", role: "viewer" },
  { path: "/deliveries", label: "Deliveries", role: "viewer" },
  { path: "/dead-letters", label: "Dead letters", role: "viewer" },
  { path: "/failing", label: "Failing", role: "viewer" },
  { path: "/bulk-actions", label: "Bulk actions", role: "viewer" },
  { path: "/queue", label: "Queue", role: "viewer" },
  { path: "/audit", label: "Audit", role: "admin" },
  { path: "/system", label: "System", role: "viewer" },
] as const;

/** Nothing that the policy would refuse; and what the reader has opened stays open. */
const HTMX_CONFIG = JSON.stringify({
  includeIndicatorCSS: false,
  morphIgnore: ["data-htmx-powered", "open"],
});

type PageAsset = "script" | "htmx" | "plotStyle" | "plot" | "charts";

export interface PageOptions {
  readonly title: string;
  /** What is above the title, and the title itself. */
  readonly body: Html;
  /** What it loads beside that which all pages load. */
  readonly assets?: readonly PageAsset[];
  readonly status?: 200 | 400 | 401 | 403 | 404 | 405 | 409 | 413 | 500 | 503;
}

/** Answers a page inside the frame of the console: who is signed in, the navigation, the skip link. */
export async function page(
  c: Context<PageEnv>,
  { title, body, status = 200, assets = [] }: PageOptions,
): Promise<Response> {
  const caller = c.get("caller") as Caller | undefined;
  return bare(c, {
    title,
    status,
    assets,
    body: html`<header class="top">
        <a class="brand" href="/"><img src="${ASSET_PATHS.icon}" width="20" height="20" alt="" />Dossier</a>
        <nav aria-label="Main">${caller && navigation(c.req.path, caller)}</nav>
        ${caller && account(caller, c.get("isSignedIn"))}
      </header>
      <main id="main">${body}</main>`,
  });
}

function navigation(current: string, caller: Caller): Html {
  return html`${NAVIGATION.filter(({ role }) => hasRole(caller, role)).map(
    ({ path, label }) =>
      html`<a href="${path}" ${isPartOf(current, path) ? html`aria-current="page"` : ""}>${label}</a>`,
  )}<a href="/docs">API</a>`;
}

function isPartOf(current: string, path: string): boolean {
  return current === path || (path !== "/" && current.startsWith(`${path}/`));
}

function account({ name, role }: Caller, isSignedIn: boolean): Html {
  if (!isSignedIn) return html`<p class="who">Without a token: <b>read-only</b></p>`;
  return html`<form class="who" method="post" action="/sign-out">
    <span><b>${name}</b> · ${role}</span> <button class="link">Sign out</button>
  </form>`;
}

/** Answers a page without navigation. */
export async function bare(
  c: Context<PageEnv>,
  { title, body, status = 200, assets = [] }: PageOptions,
): Promise<Response> {
  const nonce = c.get("secureHeadersNonce") ?? "";
  // Personal data, which the next event may change.
  c.header("cache-control", "no-store");
  return c.html(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>${title} · Dossier</title>
          <link rel="icon" href="${ASSET_PATHS.icon}" />
          <link rel="stylesheet" href="${ASSET_PATHS.style}" />
          ${(["script", ...assets] as const).map((asset) => tag(asset, nonce))}
        </head>
        <body>
          <a class="skip" href="#main">Skip to content</a>
          ${body}
        </body>
      </html>`,
    status,
  );
}

/** Each in its order, once the page is parsed. The files of htmx and uPlot are no modules: they set a global. */
function tag(asset: PageAsset, nonce: string): Html {
  const path = ASSET_PATHS[asset];
  if (asset === "plotStyle") return html`<link rel="stylesheet" href="${path}" />`;
  const kind = asset === "script" || asset === "charts" ? 'type="module"' : "defer";
  const config = asset === "htmx" ? html`<meta name="htmx-config" content="${HTMX_CONFIG}" />` : "";
  return html`${config}<script ${raw(kind)} nonce="${nonce}" src="${path}"></script>`;
}
