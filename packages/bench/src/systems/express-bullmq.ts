// Express that adds a job for each webhook, and then answers. A worker beside it has one transaction a job.
import { Queue } from "bullmq";
import type { Places } from "../peers/peer.ts";
import { NAME } from "../worker/peers/bullmq.ts";
import { serveWebhooks } from "./express-inline.ts";

export function start({ redisUrl, secret }: Places): Promise<number> {
  const queue = new Queue(NAME, { connection: { url: redisUrl } });
  return serveWebhooks(secret, (payload) => queue.add("webhook", payload));
}
