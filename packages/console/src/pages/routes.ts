import type { DeliveryQueue } from "@dossier/queue";
import type { Logger, OutageLog } from "@dossier/service";
import { isOutage, isRetryable, type Pool, type StuckAfterHours } from "@dossier/store";
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { NONCE, secureHeaders } from "hono/secure-headers";
import { hasRole, type Access } from "../auth.ts";
import type { Decide } from "../decide.ts";
import type { RecordFailedSignIn } from "../failed-sign-ins.ts";
import type { OnReadError } from "../read-errors.ts";
import { shareReads } from "../shared-read.ts";
import { ASSET_PATHS, assetRoutes } from "./assets.ts";
import { auditPage, downloadAudit } from "./audit/page.ts";
import { abortForm, bulkDryRunPage, confirmForm } from "./bulk-actions/decide.ts";
import { bulkActionPage } from "./bulk-actions/detail.ts";
import { bulkActionListPage } from "./bulk-actions/list.ts";
import { bulkActionForm } from "./bulk-actions/new.ts";
import { decideForm, redrivePage } from "./dead-letters/decide.ts";
import { deadLetterListPage, searchDeadLetters } from "./dead-letters/list.ts";
import { deliveryPage, toDelivery } from "./deliveries/detail.ts";
import { deliveryListPage, searchDeliveries } from "./deliveries/list.ts";
import { failingPage } from "./failing/page.ts";
import { message } from "./message.ts";
import { downloadEvidence, verifyNow } from "./natural-persons/evidence.ts";
import { personListPage, searchPersons } from "./natural-persons/list.ts";
import { exportListed } from "./natural-persons/listed.ts";
import { personPage } from "./natural-persons/person.ts";
import { revealPerson } from "./natural-persons/reveal.ts";
import type { PageEnv } from "./page.ts";
import { BOARD_PATH, queuePage } from "./queue/page.ts";
import { refuseMethods } from "./refusals.ts";
import { createSessions } from "./session.ts";
import { signInRoutes } from "./sign-in.ts";
import { systemPage } from "./system/page.ts";
import { createCharts } from "./worklist/charts.ts";
import { EVENTS_PATH, liveParts, READ_EVERY_MS } from "./worklist/live.ts";
import { worklistPage } from "./worklist/page.ts";
import { readParts } from "./worklist/parts.ts";

export interface PagesOptions {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly log: Logger;
  readonly postgres: OutageLog;
  readonly access: Access;
  readonly recordFailedSignIn: RecordFailedSignIn;
  readonly consoleUrl: URL | undefined;
  readonly stuckAfterHours: StuckAfterHours;
  readonly shutdownSignal: AbortSignal;
  readonly decide: Decide;
  readonly onReadError: OnReadError;
  /** Has this console carry out the bulk actions that are confirmed. */
  wake(): void;
}

/** Returns the console's pages and what they load. */
export function pageRoutes(options: PagesOptions): Hono<PageEnv> {
  const { pool, queue, log, postgres, access, recordFailedSignIn, consoleUrl } = options;
  const { stuckAfterHours, shutdownSignal, decide, wake, onReadError } = options;
  const sessions = createSessions({ pool, access, consoleUrl });
  const headers = securityHeaders(consoleUrl);
  const worklist = { pool, queue, stuckAfterHours, charts: createCharts(pool) };
  const worklistParts = shareReads(() => readParts(worklist), READ_EVERY_MS);
  /** Whoever decided something sees it in the worklist at once. */
  const decideSeen: Decide = async (...decision) => {
    const decided = await decide(...decision);
    worklistParts.forget();
    return decided;
  };
  const showBoard = boardRoute(queue);
  const pages = [
    { path: "/", role: "viewer", respond: worklistPage(worklistParts.read) },
    { path: "/dead-letters", role: "viewer", respond: deadLetterListPage(pool) },
    { path: "/dead-letters/:deliveryId", role: "viewer", respond: toDelivery },
    { path: "/deliveries", role: "viewer", respond: deliveryListPage(pool) },
    { path: "/deliveries/:deliveryId", role: "viewer", respond: deliveryPage(pool) },
    { path: "/natural-persons", role: "viewer", respond: personListPage(pool, stuckAfterHours) },
    { path: "/natural-persons/:entityId", role: "viewer", respond: personPage(pool) },
    { path: "/deliveries/:deliveryId/redrive", role: "operator", respond: redrivePage(pool) },
    { path: "/failing", role: "viewer", respond: failingPage(pool) },
    { path: "/bulk-actions", role: "viewer", respond: bulkActionListPage(pool) },
    { path: "/bulk-actions/:bulkActionId", role: "viewer", respond: bulkActionPage(pool) },
    { path: "/bulk-actions/:bulkActionId/dry-run", role: "operator", respond: bulkDryRunPage(pool) },
    { path: "/queue", role: "viewer", respond: queuePage(queue) },
    { path: "/audit", role: "admin", respond: auditPage(pool) },
    { path: "/system", role: "viewer", respond: systemPage(pool) },
  ] as const;

  const onFileError = onReadError("download-failed", "download failed");
  const forms = [
    { path: "/natural-persons", role: "viewer", respond: searchPersons() },
    {
      path: "/natural-persons/export",
      role: "operator",
      respond: exportListed(pool, stuckAfterHours, onFileError),
    },
    { path: "/natural-persons/:entityId/verify", role: "operator", respond: verifyNow(pool) },
    {
      path: "/natural-persons/:entityId/evidence",
      role: "operator",
      respond: downloadEvidence(pool, onFileError),
    },
    { path: "/audit/export", role: "admin", respond: downloadAudit(pool, onFileError) },
    { path: "/natural-persons/:entityId/reveal", role: "operator", respond: revealPerson(pool) },
    ...(["redrive", "discard", "restore"] as const).map((action) => ({
      path: `/deliveries/:deliveryId/${action}` as const,
      role: "operator" as const,
      respond: decideForm(decideSeen, action),
    })),
    { path: "/deliveries", role: "operator", respond: searchDeliveries() },
    { path: "/dead-letters", role: "operator", respond: searchDeadLetters() },
    { path: "/bulk-actions", role: "operator", respond: bulkActionForm(pool) },
    { path: "/bulk-actions/:bulkActionId/confirm", role: "operator", respond: confirmForm(pool, wake) },
    { path: "/bulk-actions/:bulkActionId/abort", role: "operator", respond: abortForm(pool) },
  ] as const;
  const app = new Hono<PageEnv>().route("/", assetRoutes());
  for (const path of ["/sign-in", "/sign-out"]) app.use(path, headers);
  app.route("/", signInRoutes({ access, sessions, recordFailedSignIn }));
  app.get(
    EVENTS_PATH,
    headers,
    sessions.authenticateRefresh,
    liveParts({
      async read() {
        const parts = await worklistParts.read();
        postgres.recordSuccess();
        return parts;
      },
      onError: onReadError("worklist-failed", "reading the worklist failed"),
      isSignedIn: sessions.isSignedIn,
      shutdownSignal,
    }),
  );
  app.get(BOARD_PATH, sessions.authenticate, showBoard);
  app.all(`${BOARD_PATH}/*`, sessions.authenticateRefresh, showBoard);
  for (const { path, role, respond } of pages) {
    app.get(path, headers, sessions.authenticate, async (c) => {
      if (!hasRole(c.get("caller"), role))
        return message(c, 403, "This page is not for your role", `It takes the role ${role}.`);
      const response = await respond(c);
      postgres.recordSuccess();
      return response;
    });
  }
  for (const { path, role, respond } of forms) {
    app.post(path, headers, sessions.ownPagesOnly, sessions.authenticate, formLimit, async (c) => {
      if (!hasRole(c.get("caller"), role))
        return message(c, 403, "This is not for your role", `It takes the role ${role}.`);
      const response = await respond(c);
      postgres.recordSuccess();
      return response;
    });
  }
  const read = "GET, HEAD";
  refuseMethods(app, headers, [
    ...["/sign-in", EVENTS_PATH].map((path) => ({ path, method: read })),
    ...["/sign-in", "/sign-out"].map((path) => ({ path, method: "POST" })),
    ...Object.values(ASSET_PATHS).map((path) => ({ path, method: read })),
    ...pages.map(({ path }) => ({ path, method: read })),
    ...forms.map(({ path }) => ({ path, method: "POST" })),
  ]);
  return app.onError((err, c) => {
    if (isOutage(err)) postgres.recordFailure(err);
    if (isRetryable(err))
      return message(
        c,
        503,
        "Postgres is unavailable",
        "The console reads everything there. Try again soon.",
      );
    const { method, path } = c.req;
    log.error({ code: "request-failed", unexpected: err, method, path }, "request failed");
    return message(c, 500, "This page failed", "The console has logged why. Try again.");
  });
}

/** Far above what any form of a page sends. */
const formLimit = bodyLimit({
  maxSize: 64 * 1024,
  onError: (c) => message(c as Context<PageEnv>, 413, "This is too long", "No form is so long."),
});

/** Pages load nothing but the console's own style, script and icon, and send forms to it alone. */
export function securityHeaders(consoleUrl: URL | undefined) {
  return secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: [NONCE],
      styleSrc: ["'self'"],
      imgSrc: ["'self'"],
      connectSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    // With `no-referrer`, browsers would send forms with the Origin `null`.
    referrerPolicy: "same-origin",
    xFrameOptions: "DENY",
    strictTransportSecurity: consoleUrl?.protocol === "https:",
  });
}

/** Returns the handler of bull-board, which is loaded when somebody first looks. */
function boardRoute(queue: DeliveryQueue) {
  let board: Promise<Hono> | undefined;
  async function open(): Promise<Hono> {
    const [{ createBoard }, bullmq] = await Promise.all([import("./queue/board.ts"), queue.bullmq()]);
    return createBoard(bullmq, BOARD_PATH);
  }
  return async (c: Context<PageEnv>): Promise<Response> => {
    board ??= open();
    board.catch(() => (board = undefined));
    return (await board).fetch(c.req.raw, c.env);
  };
}
