import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { Hono } from "hono";

interface Asset {
  /** Has a hash of the content, so that browsers may keep it for ever. */
  readonly path: string;
  readonly type: string;
  readonly content: Buffer<ArrayBuffer>;
  readonly gzipped: Buffer<ArrayBuffer>;
}

const OWN = new URL("../../assets/", import.meta.url);
const HTMX = new URL(".", import.meta.resolve("htmx.org"));
const UPLOT = new URL(".", import.meta.resolve("uplot"));
const CSS = "text/css; charset=utf-8";
const SCRIPT = "text/javascript; charset=utf-8";

/** The style, the script and the icon of all pages, and what single pages load beside them. */
const ASSETS = {
  style: loadAsset(OWN, "style.css", CSS),
  script: loadAsset(OWN, "console.js", SCRIPT),
  icon: loadAsset(OWN, "icon.svg", "image/svg+xml"),
  htmx: loadAsset(HTMX, "htmx.min.js", SCRIPT),
  charts: loadAsset(OWN, "charts.js", SCRIPT),
  plot: loadAsset(UPLOT, "uPlot.iife.min.js", SCRIPT),
  plotStyle: loadAsset(UPLOT, "uPlot.min.css", CSS),
};

export const ASSET_PATHS = Object.fromEntries(
  Object.entries(ASSETS).map(([name, { path }]) => [name, path]),
) as Readonly<Record<keyof typeof ASSETS, string>>;

function loadAsset(folder: URL, file: string, type: string): Asset {
  const content = readFileSync(new URL(file, folder));
  const name = file.slice(0, file.indexOf(".")).toLowerCase();
  const extension = file.slice(file.lastIndexOf("."));
  const path = `/assets/${name}.${hash("sha256", content, "hex").slice(0, 16)}${extension}`;
  return { path, type, content, gzipped: gzipSync(content) };
}

/** Serves what the pages load. It holds no data, so it needs no session. */
export function assetRoutes(): Hono {
  const app = new Hono();
  for (const { path, type, content, gzipped } of Object.values(ASSETS)) {
    app.get(path, (c) => {
      const isGzipped = /\bgzip\b/.test(c.req.header("accept-encoding") ?? "");
      c.header("content-type", type);
      c.header("cache-control", "public, max-age=31536000, immutable");
      c.header("vary", "accept-encoding");
      c.header("x-content-type-options", "nosniff");
      if (isGzipped) c.header("content-encoding", "gzip");
      return c.body(isGzipped ? gzipped : content);
    });
  }
  return app;
}
