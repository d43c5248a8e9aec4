import { problem } from "@dossier/service";

/** Seconds after which a client that could not be served may try again. */
const RETRY_AFTER_SECONDS = 5;

export function notFound(detail: string): Response {
  return problem(404, "not-found", detail);
}

/** Postgres is away, or not as it should be: nothing is wrong with the request. */
export function unavailable(): Response {
  return problem(503, "unavailable", "The record cannot be reached: ask again later.", {
    headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}
