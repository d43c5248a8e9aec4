import type { DeliveryQueue } from "@dossier/queue";
import { answerOptions, notFound, onError, problem, type Logger, type OutageLog } from "@dossier/service";
import { isOutage, isRetryable, type Pool } from "@dossier/store";
import { Hono, type MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { bulkActionOperations } from "./api/bulk-actions.ts";
import { changesOperation } from "./api/changes.ts";
import { deadLetterOperations } from "./api/dead-letters.ts";
import { decisionOperations } from "./api/decisions.ts";
import { deliveryOperations } from "./api/deliveries.ts";
import { instanceOperations } from "./api/instances.ts";
import { naturalPersonOperations } from "./api/natural-persons.ts";
import { API, routes } from "./api/operation.ts";
import { statsOperation } from "./api/stats.ts";
import type { ApiEnv } from "./auth.ts";
import { openApi } from "./docs/openapi.ts";
import { docsRoutes } from "./docs/routes.ts";
import type { UpdateQueue } from "./update-queue.ts";

export interface ConsoleParts {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly updateQueue: UpdateQueue;
  /** Called when a bulk action is confirmed. */
  wakeBulkRunner(): void;
  readonly log: Logger;
  /** Records each request that Postgres failed, and each that it served. */
  readonly postgres: OutageLog;
  /** Lets requests of the API through, and says who sends them. */
  readonly authenticate: MiddlewareHandler<ApiEnv>;
  /** Aborted when the console begins to shut down: then no request waits for changes any longer. */
  readonly shutdownSignal: AbortSignal;
  /** Default 15. */
  readonly heartbeatSeconds?: number | undefined;
}

/** Far above any valid body. */
const MAX_BODY_BYTES = 64 * 1024;

const RETRY_AFTER_SECONDS = 5;

const WELCOME = `Dossier's console.

  API            ${API}/natural-persons, /deliveries, /failing-deliveries, /dead-letters, /bulk-actions,
                 /changes, /stats, /instances, /instance-minutes
  documentation  /docs, and for programs /openapi.json
`;

/** Returns the console's routes: the API, behind authentication, and its documentation. */
export function createApp(parts: ConsoleParts): Hono<ApiEnv> {
  const { pool, queue, log, postgres, authenticate, shutdownSignal, heartbeatSeconds } = parts;
  const { updateQueue, wakeBulkRunner: wake } = parts;

  function onStreamError(err: unknown): void {
    if (isOutage(err)) postgres.recordFailure(err);
    else if (!isRetryable(err)) log.error({ code: "change-stream-failed", err }, "change stream failed");
  }
  const operations = [
    ...naturalPersonOperations(pool),
    ...deliveryOperations(pool),
    ...deadLetterOperations(pool),
    ...decisionOperations({ pool, updateQueue, wake }),
    ...bulkActionOperations(pool, wake),
    changesOperation({ pool, shutdownSignal, onStreamError, heartbeatSeconds }),
    statsOperation(pool, queue),
    ...instanceOperations(pool),
  ];
  const onOtherError = onError(log);

  return new Hono<ApiEnv>()
    .options("*", answerOptions("GET, HEAD, POST"))
    .get("/", (c) => c.text(WELCOME))
    .route("/", docsRoutes(openApi(operations, API)))
    .use(`${API}/*`, authenticate)
    .use(`${API}/*`, bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }))
    .use(`${API}/*`, async (c, next) => {
      await next();
      if (c.res.ok) postgres.recordSuccess();
    })
    .route(API, routes(operations))
    .notFound(notFound)
    .onError((err, c) => {
      if (!isRetryable(err)) return onOtherError(err, c);
      if (isOutage(err)) postgres.recordFailure(err);
      return unavailable();
    });
}

function tooLarge(): Response {
  return problem(413, "too-large", `The body is longer than ${MAX_BODY_BYTES} bytes.`);
}

function unavailable(): Response {
  return problem(503, "unavailable", "Postgres is unavailable. Try again later.", {
    headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
  });
}
