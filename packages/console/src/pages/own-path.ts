import type { Context } from "hono";

const ANY_ORIGIN = "http://console.invalid";

/** Returns where to go in the console: a path and query, never another host. Anything else leads to the first page. */
export function ownPath(text: string | undefined): string {
  const url = text === undefined ? null : URL.parse(text, ANY_ORIGIN);
  if (url === null || url.origin !== ANY_ORIGIN || url.pathname.startsWith("//")) return "/";
  return url.pathname + url.search;
}

/** Returns the path and query of a request. */
export function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return ownPath(pathname + search);
}
