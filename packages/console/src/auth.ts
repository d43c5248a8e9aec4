import { hash, timingSafeEqual } from "node:crypto";
import { problem } from "@dossier/service";
import type { MiddlewareHandler } from "hono";

/**
 * Lets requests through that carry the token. Without a token the console listens on loopback only, and lets requests
 * through that are addressed to loopback and do not come from another web page: neither DNS rebinding nor a form on
 * another page reaches it.
 */
export function authenticate(token: string | undefined): MiddlewareHandler {
  return async (c, next) => {
    if (token === undefined) {
      const { hostname, origin } = new URL(c.req.url);
      if (LOOPBACK.has(hostname) && (c.req.header("origin") ?? origin) === origin) return next();
      return problem(
        403,
        "loopback-only",
        "Without DOSSIER_API_TOKEN, the console serves its own machine only.",
      );
    }
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    if (bearer !== undefined && isEqual(bearer, token)) return next();
    const detail =
      bearer === undefined
        ? "The request has no `Authorization: Bearer` header. Send DOSSIER_API_TOKEN in one."
        : "The bearer token is not DOSSIER_API_TOKEN.";
    return problem(401, "unauthenticated", detail, { headers: { "www-authenticate": "Bearer" } });
  };
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Takes the same time whatever the texts and their lengths are. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}
