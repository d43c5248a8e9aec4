import { appendAudit, createSession, endSession, type Pool, type SessionToken } from "@dossier/store";
import type { Context, MiddlewareHandler } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { html } from "hono/html";
import { ANONYMOUS, isOwnPage, LOOPBACK_ONLY, type Access, type Caller } from "../auth.ts";
import { message } from "./message.ts";
import { pathOf } from "./own-path.ts";
import { bare, type PageEnv } from "./page.ts";

export interface SessionsOptions {
  readonly pool: Pool;
  readonly access: Access;
  /** Where people reach the console; `undefined` if that is not configured. */
  readonly consoleUrl: URL | undefined;
}

/** The sessions of people who sign in to the pages. Their cookies are no sign-in to the API. */
export interface Sessions {
  /** Lets requests of a page through that have a session, or need none, and leads others to the sign-in. */
  readonly authenticate: MiddlewareHandler<PageEnv>;
  /** As `authenticate`, for what a page asks for by itself: that does not keep a session from ending. */
  readonly authenticateRefresh: MiddlewareHandler<PageEnv>;
  /** Refuses a write that does not come from a page of the console itself (CSRF). */
  readonly ownPagesOnly: MiddlewareHandler<PageEnv>;
  /** Returns whether a request that `authenticate` let through would be let through now. */
  isSignedIn(c: Context<PageEnv>): Promise<boolean>;
  begin(c: Context<PageEnv>, caller: Caller, token: SessionToken): Promise<void>;
  /** Ends the session of a request, if it has one. */
  end(c: Context<PageEnv>): Promise<void>;
}

/** A page that refreshes itself sends this header. */
export const REFRESH_HEADER = "x-dossier-refresh";

export function createSessions({ pool, access, consoleUrl }: SessionsOptions): Sessions {
  const isSecure = consoleUrl?.protocol === "https:";
  const prefix = isSecure ? ("host" as const) : undefined;
  const name = "dossier-session";
  const read = (c: Context) => (prefix === undefined ? getCookie(c, name) : getCookie(c, name, prefix));

  async function end(c: Context<PageEnv>): Promise<void> {
    const sessionId = read(c);
    if (sessionId === undefined) return;
    const caller = await access.resume(sessionId, false);
    await endSession(pool, sessionId);
    if (caller !== undefined) await appendAudit(pool, { who: caller.name, action: "signed-out" });
    deleteCookie(c, name, { path: "/", secure: isSecure, ...(prefix && { prefix }) });
  }

  function authenticate(isRefresh: (c: Context<PageEnv>) => boolean): MiddlewareHandler<PageEnv> {
    return async (c, next) => {
      if (!(await access.needsToken())) {
        if (!isOwnPage(c)) return message(c, 403, "This console is for its own machine", LOOPBACK_ONLY);
        c.set("caller", ANONYMOUS);
        c.set("isSignedIn", false);
        return next();
      }
      const sessionId = read(c);
      const isUsed = !isRefresh(c);
      const caller = sessionId === undefined ? undefined : await access.resume(sessionId, isUsed);
      if (caller !== undefined) {
        c.set("sessionId", sessionId);
        c.set("caller", caller);
        c.set("isSignedIn", true);
        return next();
      }
      if (!isUsed || c.req.header("hx-request") !== undefined) {
        // Has htmx load the page anew, and so leads to the sign-in.
        c.header("hx-refresh", "true");
        return message(c, 401, "Your session has ended", "Sign in again.");
      }
      if (c.req.header("sec-fetch-site") === "cross-site") return comeAgain(c);
      // What a form sent is lost: nobody finds a page at its path.
      const here = c.req.method === "GET" ? pathOf(c) : "/";
      return c.redirect(here === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(here)}`, 303);
    };
  }

  return {
    authenticate: authenticate((c) => c.req.header(REFRESH_HEADER) !== undefined),
    authenticateRefresh: authenticate(() => true),
    async ownPagesOnly(c, next) {
      const own = consoleUrl?.origin ?? new URL(c.req.url).origin;
      const site = c.req.header("sec-fetch-site") ?? "same-origin";
      if (c.req.header("origin") === own && site === "same-origin") return next();
      return message(
        c,
        403,
        "This request does not come from the console's own page",
        `The console takes what its pages at ${own} send. If you reach it elsewhere, such as behind a proxy, set CONSOLE_URL to that address.`,
      );
    },
    async isSignedIn(c) {
      if (!(await access.needsToken())) return true;
      const sessionId = read(c);
      return sessionId !== undefined && (await access.resume(sessionId, false)) !== undefined;
    },
    async begin(c, caller, token) {
      // A browser that was signed in already has one session, not two.
      await end(c);
      const sessionId = await createSession(pool, token);
      await appendAudit(pool, { who: caller.name, action: "signed-in", detail: { role: caller.role } });
      setCookie(c, name, sessionId, {
        httpOnly: true,
        sameSite: "Strict",
        path: "/",
        secure: isSecure,
        ...(prefix && { prefix }),
      });
    },
    end,
  };
}

/**
 * A browser sends no cookie with a link on another site. Asks it to come again from this page, which is the console's
 * own, so that whoever is signed in does not see the sign-in.
 */
function comeAgain(c: Context<PageEnv>): Promise<Response> {
  const here = pathOf(c);
  return bare(c, {
    title: "Opening",
    body: html`<main id="main" class="narrow">
      <meta http-equiv="refresh" content="0; url=${here}" />
      <p><a href="${here}">Continue to the console</a></p>
    </main>`,
  });
}
