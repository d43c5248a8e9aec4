import { hash, timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import { problem } from "@dossier/service";
import { findToken, hasTokens, recordTokenUse, ROLES, type Pool, type Role } from "@dossier/store";
import type { Context, MiddlewareHandler } from "hono";
import type { RecordFailedSignIn, SignInFailure } from "./failed-sign-ins.ts";

/** Who sends a request: the name and the role of its token. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
}

/** What the API's handlers get of a request beside itself. */
export type ApiEnv = { Bindings: { outgoing: ServerResponse }; Variables: { caller: Caller } };

export interface AuthenticationOptions {
  readonly pool: Pool;
  /** DOSSIER_API_TOKEN, an admin's, which is valid without Postgres. */
  readonly bootstrapToken: string | undefined;
  readonly recordFailedSignIn: RecordFailedSignIn;
}

const BOOTSTRAP: Caller = { name: "bootstrap", role: "admin" };
const ANONYMOUS: Caller = { name: "anonymous", role: "viewer" };

/**
 * Lets requests through that carry a valid token. While there is no token at all, the console listens on loopback only,
 * and lets reads through that are addressed to loopback and do not come from another web page: neither DNS rebinding nor
 * a form on another page reaches it.
 */
export function authenticate(options: AuthenticationOptions): MiddlewareHandler<ApiEnv> {
  const { pool, bootstrapToken, recordFailedSignIn } = options;
  const recordUse = createUseRecorder(pool);
  // Once there is a token, there always is: a revoked one counts too.
  let needsToken = bootstrapToken !== undefined;

  /** Returns the caller, or why there is none. */
  async function signIn(token: string): Promise<Caller | { reason: SignInFailure; tokenId?: number }> {
    if (bootstrapToken !== undefined && isEqual(token, bootstrapToken)) return BOOTSTRAP;
    const found = await findToken(pool, token);
    if (found === undefined) return { reason: "unknown" };
    const { tokenId, name, role, state } = found;
    if (state !== "valid") return { reason: state, tokenId };
    recordUse(tokenId);
    return { name, role };
  }

  return async (c, next) => {
    needsToken ||= await hasTokens(pool);
    if (!needsToken) {
      if (!isOwnPage(c)) return problem(403, "loopback-only", LOOPBACK_ONLY);
      c.set("caller", ANONYMOUS);
      return next();
    }
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const caller = bearer === undefined ? { reason: "missing" as const } : await signIn(bearer);
    if ("name" in caller) {
      c.set("caller", caller);
      return next();
    }
    const { reason, tokenId } = caller;
    await recordFailedSignIn(reason, tokenId);
    return problem(401, "unauthenticated", DETAILS[reason], { headers: { "www-authenticate": "Bearer" } });
  };
}

const LOOPBACK_ONLY =
  "Without DOSSIER_API_TOKEN or a token of `dossier token create`, the console serves its own machine only.";

const DETAILS: Readonly<Record<SignInFailure, string>> = {
  missing: "The request has no `Authorization: Bearer` header. Send a token in one.",
  unknown: "The bearer token is not known.",
  expired: "The bearer token has expired.",
  revoked: "The bearer token is revoked.",
};

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

function isOwnPage(c: Context): boolean {
  const { hostname, origin } = new URL(c.req.url);
  return LOOPBACK.has(hostname) && (c.req.header("origin") ?? origin) === origin;
}

/** Takes the same time whatever the texts and their lengths are. */
function isEqual(a: string, b: string): boolean {
  return timingSafeEqual(hash("sha256", a, "buffer"), hash("sha256", b, "buffer"));
}

const MINUTE_MS = 60_000;

/** Returns a function that records a token's use at most once a minute, while the request goes on. */
function createUseRecorder(pool: Pool): (tokenId: number) => void {
  const recordedAt = new Map<number, number>();
  return (tokenId) => {
    const now = performance.now();
    if (now - (recordedAt.get(tokenId) ?? -MINUTE_MS) < MINUTE_MS) return;
    recordedAt.set(tokenId, now);
    // In an outage, the request itself fails too.
    recordTokenUse(pool, tokenId).catch(() => recordedAt.delete(tokenId));
  };
}

/** Returns the answer to a caller whose role is not enough; `undefined` if it is. */
export function refuseRole(caller: Caller, role: Role): Response | undefined {
  if (ROLES.indexOf(caller.role) >= ROLES.indexOf(role)) return undefined;
  const detail =
    caller === ANONYMOUS
      ? `This takes a token with the role ${role}: set DOSSIER_API_TOKEN, or create one with \`dossier token create\`. Without any token the console only reads.`
      : `This takes the role ${role}, and the token has the role ${caller.role}.`;
  return problem(403, "forbidden", detail);
}
