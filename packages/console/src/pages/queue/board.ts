import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import type { BullmqQueue } from "@dossier/queue";
import { problem } from "@dossier/service";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";

/** Bull-board declares that it needs a queue on Redis, but calls only what every backend has. */
type BullBoardQueue = ConstructorParameters<typeof BullMQAdapter>[0];

/** Bull-board sets styles on its elements. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "form-action 'none'",
  "base-uri 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** Of its page, the link to the fonts at Google, which the policy refuses: it has no setting for them. */
const FOREIGN_STYLE = /<link\b[^>]*\bhref="https:[^>]*>/g;

/**
 * Returns bull-board's routes, which show the queue's jobs. Read-only, because every redrive is recorded with its
 * operator and reason. Jobs contain only ids, so no personal data is shown. It has no authentication of its own.
 *
 * @param basePath the path of its page
 */
export function createBoard(queue: BullmqQueue, basePath: string): Hono {
  const bullmq: unknown = queue;
  const serverAdapter = new HonoAdapter(serveStatic).setBasePath(basePath);
  createBullBoard({
    queues: [new BullMQAdapter(bullmq as BullBoardQueue, { readOnlyMode: true })],
    serverAdapter,
    options: { uiConfig: { boardTitle: "Dossier", hideRedisDetails: true } },
  });
  return new Hono()
    .use(`${basePath}/*`, async (c, next) => {
      if (c.req.method !== "GET" && c.req.method !== "HEAD")
        return problem(405, "method-not-allowed", "This path allows GET, HEAD.", {
          headers: { allow: "GET, HEAD" },
        });
      await next();
      if (c.res.headers.get("content-type")?.startsWith("text/html"))
        c.res = new Response((await c.res.text()).replaceAll(FOREIGN_STYLE, ""), c.res);
      c.header("content-security-policy", CONTENT_SECURITY_POLICY);
      c.header("x-content-type-options", "nosniff");
      return undefined;
    })
    .route(basePath, serverAdapter.registerPlugin());
}
