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

/** The style, the script and the icon of all pages, and what single pages load beside them. */
const ASSETS = {
  style: loadAsset("style.css", "text/css; charset=utf-8"),
  script: loadAsset("console.js", "text/javascript; charset=utf-8"),
  timeTravel: loadAsset("time-travel.js", "text/javascript; charset=utf-8"),
  icon: loadAsset("icon.svg", "image/svg+xml"),
};

export const ASSET_PATHS = {
  style: ASSETS.style.path,
  script: ASSETS.script.path,
  timeTravel: ASSETS.timeTravel.path,
  icon: ASSETS.icon.path,
};

function loadAsset(file: string, type: string): Asset {
  const content = readFileSync(new URL(`../../assets/${file}`, import.meta.url));
  const [name, extension] = file.split(".");
  const path = `/assets/${name}.${hash("sha256", content, "hex").slice(0, 16)}.${extension}`;
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
