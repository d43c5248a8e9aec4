import { hash, timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import { problem } from "@dossier/service";
import {
  findSession,
  findToken,
  hasTokens,
  recordSessionUse,
  recordTokenUse,
  ROLES,
  type Pool,
  type Role,
  type SessionToken,
} from "@dossier/store";
import type { Context, MiddlewareHandler } from "hono";
import type { KnownToken, RecordFailedSignIn, SignInFailure } from "./failed-sign-ins.ts";

/** Who sends a request: the name and the role of its token, or of the token that its session was made with. */
export interface Caller {
  readonly name: string;
  readonly role: Role;
  /** Whether a program sends it by the API, which gets personal data unmasked. */
  readonly isService: boolean;
}

/**
 * Decides whether a request gets personal data unmasked: a service does, and a person to whom the subject is revealed.
 * Then the audit log has an entry of it.
 */
export type Disclose = (operationId: string, subject?: string) => Promise<boolean>;

/** What the API's handlers get of a request beside itself. */
export type ApiEnv = {
  Bindings: { outgoing: ServerResponse };
  Variables: {
    caller: Caller;
    /** The token; `undefined` for the anonymous viewer. */
    bearer: string | undefined;
    disclose: Disclose;
  };
};

/** DOSSIER_API_TOKEN is for programs; who signs in with it is a person as any other. */
const BOOTSTRAP: Caller = { name: "bootstrap", role: "admin", isService: false };
export const ANONYMOUS: Caller = { name: "anonymous", role: "viewer", isService: false };

type SignIn =
  | { readonly caller: Caller; readonly token: SessionToken }
  | { readonly reason: SignInFailure; readonly token?: KnownToken };

/** Says who a request is from. The API and the pages share one. */
export interface Access {
  /**
   * Whether a token or a session is needed. It is not while there is no token at all: then the console listens on
   * loopback only, and serves reads of the anonymous viewer.
   */
  needsToken(): Promise<boolean>;
  /** Returns the caller who has a token, or why there is none. A service's token is for the API alone. */
  signIn(token: string, to: "api" | "pages"): Promise<SignIn>;
  /**
   * Returns the caller of a session; `undefined` if it has ended.
   *
   * @param isUsed whether it is used by a person, which keeps it from ending
   */
  resume(sessionId: string, isUsed: boolean): Promise<Caller | undefined>;
}

/** @param bootstrapToken DOSSIER_API_TOKEN, an admin's, which is valid without Postgres */
export function createAccess(pool: Pool, bootstrapToken: string | undefined): Access {
  const recordUse = createUseRecorder(pool);
  // Once there is a token, there always is: a revoked one counts too.
  let needsToken = bootstrapToken !== undefined;

  return {
    async needsToken() {
      return (needsToken ||= await hasTokens(pool));
    },
    async signIn(token, to) {
      if (bootstrapToken !== undefined && isEqual(token, bootstrapToken))
        return { caller: { ...BOOTSTRAP, isService: to === "api" }, token: { bootstrapToken } };
      const found = await findToken(pool, token);
      if (found === undefined) return { reason: "unknown" };
      const { tokenId, name, role, isService, state } = found;
      if (state !== "valid") return { reason: state, token: { tokenId, name } };
      if (isService && to === "pages") return { reason: "service", token: { tokenId, name } };
      recordUse(tokenId);
      return { caller: { name, role, isService }, token: { tokenId } };
    },
    async resume(sessionId, isUsed) {
      const owner = await findSession(pool, sessionId, bootstrapToken);
      if (owner === undefined) return undefined;
      if (isUsed && !owner.isUseRecorded) await recordSessionUse(pool, sessionId);
      if (owner.tokenId === undefined) return BOOTSTRAP;
      recordUse(owner.tokenId);
      return { name: owner.name, role: owner.role, isService: false };
    },
  };
}

/** Lets requests of the API through that carry a valid token, or that need none. */
export function authenticate(
  access: Access,
  recordFailedSignIn: RecordFailedSignIn,
): MiddlewareHandler<ApiEnv> {
  return async (c, next) => {
    if (!(await access.needsToken())) {
      if (!isOwnPage(c)) return problem(403, "loopback-only", LOOPBACK_ONLY);
      c.set("caller", ANONYMOUS);
      return next();
    }
    const bearer = /^Bearer +(.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
    const result = bearer === undefined ? { reason: "missing" as const } : await access.signIn(bearer, "api");
    if ("caller" in result) {
      c.set("caller", result.caller);
      c.set("bearer", bearer);
      return next();
    }
    await recordFailedSignIn(result.reason, result.token);
    return problem(401, "unauthenticated", DETAILS[result.reason], {
      headers: { "www-authenticate": "Bearer" },
    });
  };
}

export const LOOPBACK_ONLY =
  "Without DOSSIER_API_TOKEN or a token of `dossier token create`, the console serves its own machine only.";

const DETAILS: Readonly<Record<SignInFailure, string>> = {
  missing: "The request has no `Authorization: Bearer` header. Send a token in one.",
  unknown: "The bearer token is not known.",
  expired: "The bearer token has expired.",
  revoked: "The bearer token is revoked.",
  service: "The bearer token is a service's.",
};

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Whether a request is addressed to loopback and does not come from another web page: neither DNS rebinding nor a form on
 * another page reaches a console without tokens.
 */
export function isOwnPage(c: Context): boolean {
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
  if (hasRole(caller, role)) return undefined;
  const detail =
    caller === ANONYMOUS
      ? `This takes a token with the role ${role}: set DOSSIER_API_TOKEN, or create one with \`dossier token create\`. Without any token the console only reads.`
      : `This takes the role ${role}, and the token has the role ${caller.role}.`;
  return problem(403, "forbidden", detail);
}

/**
 * Returns the answer to a search for a text in payloads by somebody who may not reveal them: what is found would tell what
 * they hold.
 */
export function refuseText(caller: Caller, text: string | undefined): Response | undefined {
  return text === undefined ? undefined : refuseRole(caller, "operator");
}

export function hasRole(caller: Caller, role: Role): boolean {
  return ROLES.indexOf(caller.role) >= ROLES.indexOf(role);
}
