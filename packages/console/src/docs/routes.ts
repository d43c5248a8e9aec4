import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { answerOptions, problem } from "@dossier/service";
import { Hono } from "hono";
import { etag } from "hono/etag";
import { html } from "hono/html";
import manifest from "../../package.json" with { type: "json" };
import type { OpenApi } from "./openapi.ts";

/** Changes with the script, so that browsers may keep it for ever. */
const SCRIPT_PATH = `/docs/scalar-${manifest.dependencies["@scalar/api-reference"]}.js`;

/** Scalar asks no host but the console; and no page sends requests that decide something. */
const SCALAR_OPTIONS = {
  url: "/openapi.json",
  telemetry: false,
  withDefaultFonts: false,
  showDeveloperTools: "never",
  hideClientButton: true,
  hideTestRequestButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
};

const PAGE = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Dossier: API</title>
      <link rel="icon" href="data:," />
    </head>
    <body>
      <noscript>This page needs JavaScript. <a href="/openapi.json">openapi.json</a> says the same.</noscript>
      <script id="api-reference" data-configuration="${JSON.stringify(SCALAR_OPTIONS)}"></script>
      <script src="${SCRIPT_PATH}"></script>
    </body>
  </html>`;

/** Scalar sets styles on its elements; it runs no script but its own. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The API's document, and a page that shows it. Neither holds data, so neither needs a token. */
export function docsRoutes(document: OpenApi): Hono {
  let script: Promise<Script> | undefined;
  const app = new Hono()
    .get("/openapi.json", (c) => c.json(document))
    .get("/docs", (c) => {
      c.header("content-security-policy", CONTENT_SECURITY_POLICY);
      return c.html(PAGE);
    })
    .get(SCRIPT_PATH, etag(), async (c) => {
      const { gzipped, tag } = await (script ??= loadScript());
      c.header("etag", tag);
      c.header("cache-control", "public, max-age=31536000, immutable");
      c.header("content-encoding", "gzip");
      c.header("content-type", "text/javascript; charset=utf-8");
      return c.body(gzipped);
    });
  const allow = "GET, HEAD";
  for (const path of ["/openapi.json", "/docs", SCRIPT_PATH])
    app
      .options(path, answerOptions(allow))
      .all(path, () =>
        problem(405, "method-not-allowed", `This path allows ${allow}.`, { headers: { allow } }),
      );
  return app;
}

interface Script {
  readonly gzipped: Buffer<ArrayBuffer>;
  readonly tag: string;
}

/** The package exports no path to its script for browsers, which is meant for a CDN. */
const SCRIPT_FILE = new URL("browser/standalone.js", import.meta.resolve("@scalar/api-reference"));

/** Compresses the 5 MB once. There is no other encoding, since every browser takes gzip. */
async function loadScript(): Promise<Script> {
  const gzipped = await promisify(gzip)(await readFile(SCRIPT_FILE));
  return { gzipped, tag: `"${hash("sha256", gzipped, "base64url")}"` };
}
