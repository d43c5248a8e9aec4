import type { DeliveryQueue } from "@dossier/queue";
import { notFound, onError, type Logger } from "@dossier/service";
import type { Pool } from "@dossier/store";
import { Hono } from "hono";
import { changesRoute } from "./api/changes.ts";
import { deadLetterRoutes } from "./api/dead-letters.ts";
import { personRoutes } from "./api/natural-persons.ts";
import { statsRoute } from "./api/stats.ts";
import { authenticate } from "./auth.ts";

export interface ConsoleParts {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly log: Logger;
  readonly token: string | undefined;
  /** Aborted when the console begins to shut down: those who wait for changes are sent away. */
  readonly stopping: AbortSignal;
}

/** The console's HTTP face: the API, behind its authentication. */
export function consoleApp({ pool, queue, log, token, stopping }: ConsoleParts): Hono {
  const api = new Hono()
    .use(authenticate(token))
    .route("/natural-persons", personRoutes(pool))
    .route("/dead-letters", deadLetterRoutes(pool, queue, log))
    .route("/changes", changesRoute(pool, stopping))
    .route("/stats", statsRoute(pool, queue));
  return new Hono().route("/api/v1", api).notFound(notFound).onError(onError(log));
}
