// The same, with one job for each commit: the limit of what ingest's parts allow.
import { Queue } from "bullmq";
import type { Places } from "../../peers/peer.ts";
import { start as startGroupCommit } from "./group-commit.ts";

export const LIMIT_QUEUE = "limit";

export function start(places: Places): Promise<number> {
  const queue = new Queue(LIMIT_QUEUE, { connection: { url: places.redisUrl } });
  return startGroupCommit(places, (ids) => queue.add("deliveries", { ids }));
}
