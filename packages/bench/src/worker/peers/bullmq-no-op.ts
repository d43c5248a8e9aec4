// BullMQ with one job a webhook, and nothing to do for it.
import { Queue, Worker } from "bullmq";
import type { Places } from "../../peers/peer.ts";
import { parse } from "../../peers/persons.ts";

const NAME = "no-op";
const BATCH = 1_000;

export async function fill({ redisUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  await addJobs(redisUrl, NAME, bodies);
}

export async function addJobs(redisUrl: string, name: string, bodies: readonly Buffer[]): Promise<void> {
  const queue = new Queue(name, { connection: { url: redisUrl } });
  const jobs = bodies.map((body) => ({ name: "webhook", data: parse(body) }));
  for (let start = 0; start < jobs.length; start += BATCH)
    await queue.addBulk(jobs.slice(start, start + BATCH));
  await queue.close();
}

export function start({ redisUrl }: Places, onSettled: (deliveries: number) => void): void {
  const handle = async () => onSettled(1);
  new Worker(NAME, handle, {
    connection: { url: redisUrl },
    concurrency: 64,
    removeOnComplete: { count: 0 },
  });
}
