import { hash, timingSafeEqual } from "node:crypto";
import { problem } from "@dossier/service";
import type { MiddlewareHandler } from "hono";

/**
 * Lets through who bears the token. Without a token the console listens on loopback alone, and lets through what a
 * program of this machine addressed to loopback: neither a web page that reaches it under a name of its own (DNS
 * rebinding), nor one that sends a form to it.
 */
export function authenticate(token: string | undefined): MiddlewareHandler {
  return async (c, next) => {
    if (token === undefined) {
      const { hostname, origin } = new URL(c.req.url);
      if (LOOPBACK.has(hostname) && (c.req.header("origin") ?? origin) === origin) return next();
      return problem(
        403,
        "loopback-only",
        "Without DOSSIER_API_TOKEN the console serves this machine alone.",
      );
    }
    const given = /^Bearer +(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (given !== undefined && equal(given, token)) return next();
    const detail =
      given === undefined
        ? "The request has no `Authorization: Bearer` header; send DOSSIER_API_TOKEN in one."
        : "The bearer token is not DOSSIER_API_TOKEN.";
    return problem(401, "unauthenticated", detail, { headers: { "www-authenticate": "Bearer" } });
  };
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** In constant time, and without telling the lengths. */
function equal(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
