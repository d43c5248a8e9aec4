import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import { HonoAdapter } from "@bull-board/hono";
import type { DeliveryQueue } from "@dossier/queue";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";

/**
 * Bull-board over the queue, to look at its jobs: read-only, because a redrive that nobody signs for is no redrive.
 * Jobs hold ids alone, so it shows no personal data. It has no authentication: mount it behind the console's.
 *
 * @param basePath where it is mounted, such as `/queue`
 */
export function failedJobs(queue: DeliveryQueue, basePath: string): Hono {
  const serverAdapter = new HonoAdapter(serveStatic).setBasePath(basePath);
  createBullBoard({
    // bull-board declares BullMQ's queue on Redis; what it calls is there on every backend.
    queues: [new BullMQAdapter(queue.bullmq as never, { readOnlyMode: true })],
    serverAdapter,
    options: { uiConfig: { boardTitle: "Dossier" } },
  });
  return new Hono().route(basePath, serverAdapter.registerPlugin());
}
