import type { DeliveryQueue } from "@dossier/queue";
import {
  BufferFullError,
  onError,
  problem,
  traceRequests,
  type Logger,
  type OutageLog,
  type Tracing,
} from "@dossier/service";
import { isOutage, isRetryable, type NewAuditEntry, type Pool, type StuckAfterHours } from "@dossier/store";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { auditOperations } from "./api/audit.ts";
import { bulkActionOperations } from "./api/bulk-actions.ts";
import { changesOperation } from "./api/changes.ts";
import { deadLetterOperations } from "./api/dead-letters.ts";
import { decisionOperations } from "./api/decisions.ts";
import { deliveryOperations } from "./api/deliveries.ts";
import { deliverySearchOperation } from "./api/delivery-search.ts";
import { exportOperations } from "./api/exports.ts";
import { instanceOperations } from "./api/instances.ts";
import { naturalPersonOperations } from "./api/natural-persons.ts";
import { API, optionsRoutes, routes } from "./api/operation.ts";
import { discloseTo } from "./api/personal-data.ts";
import { queueOperation } from "./api/queue.ts";
import { revealOperation } from "./api/reveal.ts";
import { statsOperation } from "./api/stats.ts";
import { systemOperations } from "./api/system.ts";
import { timelineOperation } from "./api/timeline.ts";
import { verificationOperations } from "./api/verification.ts";
import { worklistOperation } from "./api/worklist.ts";
import { authenticate, type Access, type ApiEnv } from "./auth.ts";
import { createDecide } from "./decide.ts";
import { openApi } from "./docs/openapi.ts";
import { docsRoutes } from "./docs/routes.ts";
import type { RecordFailedSignIn } from "./failed-sign-ins.ts";
import { pageNotFound } from "./pages/refusals.ts";
import { pageRoutes, securityHeaders } from "./pages/routes.ts";
import { createOnReadError } from "./read-errors.ts";
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
  /** Says who sends a request. */
  readonly access: Access;
  readonly recordFailedSignIn: RecordFailedSignIn;
  /** Has an entry written to the audit log soon; throws a `BufferFullError` if it cannot. */
  recordUnmaskedRead(entry: NewAuditEntry): void;
  /** Where people reach the console; `undefined` if that is not configured. */
  readonly consoleUrl: URL | undefined;
  readonly stuckAfterHours: StuckAfterHours;
  /** Aborted when the console begins to shut down: then no request waits for changes any longer. */
  readonly shutdownSignal: AbortSignal;
  /** Default 15. */
  readonly heartbeatSeconds?: number | undefined;
  readonly tracing?: Tracing | undefined;
}

/** Far above any valid body. */
const MAX_BODY_BYTES = 64 * 1024;

const RETRY_AFTER_SECONDS = 5;

/** Returns the console's routes: the pages, the API, behind authentication, and its documentation. */
export function createApp(parts: ConsoleParts): Hono<ApiEnv> {
  const { pool, queue, log, postgres, access, shutdownSignal, heartbeatSeconds } = parts;
  const { updateQueue, wakeBulkRunner: wake } = parts;
  const decide = createDecide(pool, updateQueue);

  const onReadError = createOnReadError(log, postgres);
  const onStreamError = onReadError("change-stream-failed", "change stream failed");
  const onFileError = onReadError("download-failed", "download failed");
  const operations = [
    ...naturalPersonOperations(pool, parts.stuckAfterHours),
    timelineOperation(pool),
    revealOperation(pool),
    ...deliveryOperations(pool),
    deliverySearchOperation(pool),
    ...deadLetterOperations(pool),
    ...decisionOperations({ pool, decide, wake }),
    ...bulkActionOperations(pool, wake),
    changesOperation({ pool, shutdownSignal, onStreamError, heartbeatSeconds }),
    statsOperation(pool, queue),
    ...instanceOperations(pool),
    ...auditOperations(pool),
    ...systemOperations(pool),
    queueOperation(queue),
    worklistOperation(pool, parts.stuckAfterHours),
    ...verificationOperations(pool),
    ...exportOperations(pool, parts.stuckAfterHours, onFileError),
  ];
  const onOtherError = onError(log);

  const app = new Hono<ApiEnv>();
  if (parts.tracing !== undefined) app.use(traceRequests(parts.tracing));
  return app
    .route(API, optionsRoutes(operations))
    .route("/", pageRoutes({ ...parts, decide, wake, onReadError }))
    .route("/", docsRoutes(openApi(operations, API)))
    .use(`${API}/*`, authenticate(access, parts.recordFailedSignIn))
    .use(`${API}/*`, discloseTo(pool, parts.recordUnmaskedRead))
    .use(`${API}/*`, bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }))
    .use(`${API}/*`, async (c, next) => {
      await next();
      if (c.res.ok) postgres.recordSuccess();
    })
    .route(API, routes(operations))
    .notFound(pageNotFound(securityHeaders(parts.consoleUrl)))
    .onError((err, c) => {
      if (err instanceof BufferFullError) return unavailable();
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
