import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import type { DeliveryQueue } from "@dossier/queue";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";

/** What bull-board declares that it reads: a queue on Redis. What it calls is there on every backend. */
type AnyQueue = ConstructorParameters<typeof BullMQAdapter>[0];

/** Its page asks Google for fonts, too: it is not let, and shows the machine's own. */
const OWN_FILES_ALONE = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

/**
 * Bull-board over the queue, to look at its jobs: read-only, because a redrive that nobody signs for is no redrive.
 * Jobs hold ids alone, so it shows no personal data. It has no authentication: mount it behind the console's.
 *
 * @param basePath where it is mounted, such as `/queue`
 */
export function failedJobs(queue: DeliveryQueue, basePath: string): Hono {
  const bullmq: unknown = queue.bullmq;
  const serverAdapter = new HonoAdapter(serveStatic).setBasePath(basePath);
  createBullBoard({
    queues: [new BullMQAdapter(bullmq as AnyQueue, { readOnlyMode: true })],
    serverAdapter,
    options: { uiConfig: { boardTitle: "Dossier" } },
  });
  return new Hono()
    .use(`${basePath}/*`, async (c, next) => {
      await next();
      c.header("content-security-policy", OWN_FILES_ALONE);
    })
    .route(basePath, serverAdapter.registerPlugin());
}
