import type { DeliveryQueue } from "@dossier/queue";
import { notFound, onError, problem, type Logger, type OutageLog } from "@dossier/service";
import { isOutage, isRetryable, type Pool } from "@dossier/store";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { changesOperation } from "./api/changes.ts";
import { deadLetterOperations } from "./api/dead-letters.ts";
import { decisionOperations } from "./api/decisions.ts";
import { naturalPersonOperations } from "./api/natural-persons.ts";
import { routes } from "./api/operation.ts";
import { unavailable } from "./api/problems.ts";
import { statsOperation } from "./api/stats.ts";
import { authenticate } from "./auth.ts";
import { openApi } from "./docs/openapi.ts";
import { docsRoutes } from "./docs/routes.ts";

export interface ConsoleParts {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly log: Logger;
  /** Told of every request that Postgres failed, and of every one that it served. */
  readonly postgres: OutageLog;
  readonly token: string | undefined;
  /** Aborted when the console begins to shut down: those who wait for changes are sent away. */
  readonly shutdownSignal: AbortSignal;
  /** Default 15. */
  readonly heartbeatSeconds?: number | undefined;
}

const API = "/api/v1";

/** No body that means something comes near. */
const MAX_BODY_BYTES = 64 * 1024;

const WELCOME = `Dossier's console.

  API       ${API}/natural-persons, /dead-letters, /changes, /stats
  described /docs, and for programs /openapi.json
`;

/** The console's HTTP face: the API behind its authentication, and what describes it. */
export function consoleApp(parts: ConsoleParts): Hono {
  const { pool, queue, log, postgres, token, shutdownSignal, heartbeatSeconds } = parts;

  function onBroken(err: unknown): void {
    if (isOutage(err)) postgres.recordFailure(err);
    else if (!isRetryable(err)) log.error({ err }, "a stream of changes broke");
  }
  const operations = [
    ...naturalPersonOperations(pool),
    ...deadLetterOperations(pool),
    ...decisionOperations(pool, queue, log),
    changesOperation({ pool, shutdownSignal, onBroken, heartbeatSeconds }),
    statsOperation(pool, queue),
  ];
  const onFault = onError(log);

  return new Hono()
    .get("/", (c) => c.text(WELCOME))
    .route("/", docsRoutes(openApi(operations, API)))
    .use(`${API}/*`, authenticate(token))
    .use(`${API}/*`, bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }))
    .use(`${API}/*`, async (c, next) => {
      await next();
      if (c.res.ok) postgres.recordSuccess();
    })
    .route(API, routes(operations))
    .notFound(notFound)
    .onError((err, c) => {
      if (!isRetryable(err)) return onFault(err, c);
      if (isOutage(err)) postgres.recordFailure(err);
      return unavailable();
    });
}

function tooLarge(): Response {
  return problem(413, "too-large", `The body is longer than ${MAX_BODY_BYTES} bytes.`);
}
