import { STATUS_CODES } from "node:http";
import type { ErrorHandler, NotFoundHandler } from "hono";
import { HTTPException } from "hono/http-exception";
import type { Logger } from "./logger.ts";

export interface ProblemOptions {
  /** Members beside the standard ones, such as the `errors` of an invalid request. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Headers such as Retry-After or Allow. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An RFC 9457 answer. It has no `type`, so its title is the status's own phrase.
 *
 * @param status the HTTP status, 400 or above.
 * @param code says which problem it is, in kebab-case; clients may rely on it, so it never changes.
 * @param detail for a person: what was wrong and what to do. No personal data, no secrets.
 */
export function problem(
  status: number,
  code: string,
  detail: string,
  { members, headers }: ProblemOptions = {},
): Response {
  const body = JSON.stringify({ ...members, title: phrase(status), status, code, detail });
  return new Response(body, {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Answers what no route takes. */
export const notFound: NotFoundHandler = () =>
  problem(404, "not-found", "Nothing is served under this path with this method.");

/**
 * Answers what a handler threw. Hono's own refusals keep their status and words; of anything else
 * the client learns nothing, and the log has it all. A client that hung up is no error of ours.
 */
export function onError(log: Logger): ErrorHandler {
  return (err, c) => {
    if (err instanceof HTTPException) {
      return problem(err.status, kebab(phrase(err.status)), err.message || phrase(err.status));
    }
    const request = { method: c.req.method, path: c.req.path };
    if (c.req.raw.signal.aborted) {
      log.debug({ err, ...request }, "the client hung up");
    } else {
      log.error({ err, ...request }, "a request failed");
    }
    return problem(
      500,
      "internal",
      "The request failed by a fault of this service, which has logged it. Trying again may help.",
    );
  };
}

function phrase(status: number): string {
  return STATUS_CODES[status] ?? "Error";
}

function kebab(words: string): string {
  return words.toLowerCase().replaceAll(" ", "-");
}
