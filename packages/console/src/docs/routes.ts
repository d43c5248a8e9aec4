import { readFileSync } from "node:fs";
import { Hono } from "hono";
import type { OpenApi } from "./openapi.ts";
import { page } from "./page.ts";

const style = readFileSync(new URL("page.css", import.meta.url), "utf8");

/** What the API is, for programs and for people. Holds no data, so it asks for no token. */
export function docsRoutes(document: OpenApi): Hono {
  const html = page(document);
  return new Hono()
    .get("/openapi.json", (c) => c.json(document))
    .get("/docs", (c) => {
      c.header("content-security-policy", "default-src 'none'; style-src 'self'; base-uri 'none'");
      return c.html(html);
    })
    .get("/docs/page.css", (c) => c.body(style, 200, { "content-type": "text/css; charset=utf-8" }));
}
