import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import type { BullmqQueue } from "@dossier/queue";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";

/** Bull-board declares that it needs a queue on Redis, but calls only what every backend has. */
type BullBoardQueue = ConstructorParameters<typeof BullMQAdapter>[0];

/** Blocks the fonts that bull-board's page requests from Google. */
const CONTENT_SECURITY_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/**
 * Returns bull-board's routes, which show the queue's jobs. Read-only, because every redrive is recorded with its
 * operator and reason. Jobs contain only ids, so no personal data is shown. It has no authentication of its own.
 *
 * @param basePath the path of its page, such as `/queue`
 */
export function failedJobs(queue: BullmqQueue, basePath: string): Hono {
  const bullmq: unknown = queue;
  const serverAdapter = new HonoAdapter(serveStatic).setBasePath(basePath);
  createBullBoard({
    queues: [new BullMQAdapter(bullmq as BullBoardQueue, { readOnlyMode: true })],
    serverAdapter,
    options: { uiConfig: { boardTitle: "Dossier" } },
  });
  return new Hono()
    .use(`${basePath}/*`, async (c, next) => {
      await next();
      c.header("content-security-policy", CONTENT_SECURITY_POLICY);
    })
    .route(basePath, serverAdapter.registerPlugin());
}
