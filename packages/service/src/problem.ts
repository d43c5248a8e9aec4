import { STATUS_CODES } from "node:http";
import type { ErrorHandler, Handler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Logger } from "./logger.ts";

export interface ProblemOptions {
  /** Members beside the standard ones, such as the `errors` of an invalid request. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Headers such as Retry-After or Allow. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Returns an RFC 9457 problem as a response. It has no `type`, so its title is the status's phrase.
 *
 * @param status the HTTP status, 400 or above
 * @param code identifies the problem, in kebab-case; clients rely on it, so it never changes
 * @param detail says what was wrong and what to do; no personal data, no secrets
 */
export function problem(
  status: number,
  code: string,
  detail: string,
  { members, headers }: ProblemOptions = {},
): Response {
  const body = JSON.stringify({ ...members, title: statusPhrase(status), status, code, detail });
  return new Response(body, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Answers a request that no route matches. */
export const notFound: NotFoundHandler = () =>
  problem(404, "not-found", "There is no such path, or it does not allow this method.");

/** Returns the handler of OPTIONS, which load balancers send as a health check: 204 and the methods that are allowed. */
export function answerOptions(allow: string): Handler {
  return (c) => c.body(null, 204, { allow: `${allow}, OPTIONS` });
}

/**
 * Returns the handler that answers what other handlers throw. Hono's own exceptions keep their status and message. Any
 * other error is logged, and its content is hidden from the client. A client that disconnects is not an error.
 */
export function onError(log: Logger): ErrorHandler {
  return (err, c) => {
    if (err instanceof HTTPException) {
      const phrase = statusPhrase(err.status);
      return problem(err.status, kebabCase(phrase), err.message || phrase);
    }
    const { method, path } = c.req;
    if (c.req.raw.signal.aborted) {
      log.debug({ code: "client-disconnected", err, method, path }, "client disconnected");
    } else {
      log.error({ code: "request-failed", unexpected: err, method, path }, "request failed");
    }
    return problem(
      500,
      "internal",
      "The service failed to handle the request and has logged why. Try again.",
    );
  };
}

function statusPhrase(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}

function kebabCase(words: string): string {
  return words.toLowerCase().replaceAll(" ", "-");
}
