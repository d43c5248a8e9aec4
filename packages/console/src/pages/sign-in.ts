import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { html } from "hono/html";
import type { Access } from "../auth.ts";
import type { RecordFailedSignIn, SignInFailure } from "../failed-sign-ins.ts";
import { ASSET_PATHS } from "./assets.ts";
import { message } from "./message.ts";
import { ownPath } from "./own-path.ts";
import { bare, type PageEnv } from "./page.ts";
import type { Sessions } from "./session.ts";

export interface SignInOptions {
  readonly access: Access;
  readonly sessions: Sessions;
  readonly recordFailedSignIn: RecordFailedSignIn;
}

/** Far above any token and path. */
const MAX_BODY_BYTES = 16 * 1024;

const FAILURES: Readonly<Record<SignInFailure, string>> = {
  missing: "Enter a token.",
  unknown: "This token is not known. Check that all of it was copied.",
  expired: "This token has expired. Ask an administrator for a new one.",
  revoked: "This token is revoked. Ask an administrator for a new one.",
  service: "This token is a service's: it is for the API alone. Sign in with your own.",
};

/** Signing in with a token, and out. */
export function signInRoutes({ access, sessions, recordFailedSignIn }: SignInOptions): Hono<PageEnv> {
  return new Hono<PageEnv>()
    .get("/sign-in", async (c) => {
      if (!(await access.needsToken())) return c.redirect("/", 303);
      return signInPage(c, ownPath(c.req.query("next")));
    })
    .post(
      "/sign-in",
      sessions.ownPagesOnly,
      bodyLimit({
        maxSize: MAX_BODY_BYTES,
        onError: (c) => message(c as Context<PageEnv>, 413, "This is too long", "No token is so long."),
      }),
      async (c) => {
        const form = await c.req.parseBody();
        const next = ownPath(typeof form["next"] === "string" ? form["next"] : undefined);
        const token = typeof form["token"] === "string" ? form["token"].trim() : "";
        if (token === "") return signInPage(c, next, "missing");
        const result = await access.signIn(token, "pages");
        if ("reason" in result) {
          await recordFailedSignIn(result.reason, result.token);
          return signInPage(c, next, result.reason);
        }
        await sessions.begin(c, result.caller, result.token);
        return c.redirect(next, 303);
      },
    )
    .post("/sign-out", sessions.ownPagesOnly, async (c) => {
      await sessions.end(c);
      return c.redirect("/sign-in", 303);
    });
}

function signInPage(c: Context<PageEnv>, next: string, failure?: SignInFailure): Promise<Response> {
  return bare(c, {
    title: "Sign in",
    status: failure === undefined ? 200 : 401,
    body: html`<main id="main" class="sign-in">
      <form class="card" method="post" action="/sign-in">
        <h1><img src="${ASSET_PATHS.icon}" width="28" height="28" alt="" />Dossier</h1>
        ${failure && html`<p class="notice bad" id="failure" role="alert">${FAILURES[failure]}</p>`}
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          required
          autofocus
          autocomplete="current-password"
          autocapitalize="off"
          spellcheck="false"
          maxlength="4096"
          ${failure ? html`aria-invalid="true" aria-describedby="failure"` : ""}
        />
        <input type="hidden" name="next" value="${next}" />
        <button class="primary">Sign in</button>
        <p class="hint">
          An administrator makes yours: <code>dossier token create --name "Ada Lovelace" --role operator</code>. It is
          printed once.
        </p>
      </form>
    </main>`,
  });
}
