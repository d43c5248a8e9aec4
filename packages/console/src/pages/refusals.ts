import { answerOptions, notFound, problem } from "@dossier/service";
import type { Context, Handler, Hono, MiddlewareHandler, NotFoundHandler } from "hono";
import { API } from "../api/operation.ts";
import { message } from "./message.ts";
import type { PageEnv } from "./page.ts";

/** Browsers ask for HTML, and programs do not. */
function isForPeople(c: Context): boolean {
  return /\btext\/html\b/.test(c.req.header("accept") ?? "") && !c.req.path.startsWith(`${API}/`);
}

/** Returns the handler of paths that nothing is at: people get a page. */
export function pageNotFound(headers: MiddlewareHandler): NotFoundHandler {
  return (c) => {
    if (!isForPeople(c)) return notFound(c);
    return withHeaders(c, headers, () =>
      message(c, 404, "There is no such page", "Its address may have been cut, or be of another version."),
    );
  };
}

/** Has the paths answer OPTIONS, and each method that they do not allow: people get a page. */
export function refuseMethods(
  app: Hono<PageEnv>,
  headers: MiddlewareHandler,
  allowed: readonly { readonly path: string; readonly method: string }[],
): void {
  for (const [path, own] of Map.groupBy(allowed, (one) => one.path)) {
    const allow = own.map(({ method }) => method).join(", ");
    app.options(path, answerOptions(allow));
    app.all(path, refuseMethod(headers, allow));
  }
}

function refuseMethod(headers: MiddlewareHandler, allow: string): Handler<PageEnv> {
  return (c) => {
    const detail = `This path allows ${allow}.`;
    if (!isForPeople(c)) return problem(405, "method-not-allowed", detail, { headers: { allow } });
    c.header("allow", allow);
    return withHeaders(c, headers, () => message(c, 405, "There is no page here to read", detail));
  };
}

/** Answers with the headers of pages: without their nonce, the page's script would not run. */
async function withHeaders(
  c: Context<PageEnv>,
  headers: MiddlewareHandler,
  respond: () => Promise<Response>,
): Promise<Response> {
  await headers(c, async () => {
    c.res = await respond();
  });
  return c.res;
}
