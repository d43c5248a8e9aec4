import type { DeliveryQueue } from "@dossier/queue";
import { stats, type Pool } from "@dossier/store";
import { Hono } from "hono";

/** What there is and what waits: of the record, and of the queue where it answers. */
export function statsRoute(pool: Pool, queue: DeliveryQueue): Hono {
  return new Hono().get("/", async (c) => {
    const [record, jobs] = await Promise.all([stats(pool), queue.counts().catch(() => null)]);
    return c.json({ ...record, queue: { backend: queue.backend, jobs } });
  });
}
