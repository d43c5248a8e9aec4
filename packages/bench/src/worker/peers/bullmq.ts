// BullMQ with one job and one transaction a webhook, as many at once as a pool of the default size has connections.
import { Worker } from "bullmq";
import pg from "pg";
import { endPeer, type Places } from "../../peers/peer.ts";
import { applyWebhooks, TABLES, type Payload } from "../../peers/persons.ts";
import { transaction } from "../../peers/transaction.ts";
import { addJobs } from "./bullmq-no-op.ts";

export const NAME = "webhooks";

export async function fill({ redisUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  await addJobs(redisUrl, NAME, bodies);
}

export async function start(
  { databaseUrl, redisUrl }: Places,
  onSettled: (deliveries: number) => void,
): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl });
  await pool.query(TABLES);
  const handle = async ({ data }: { data: Payload }) => {
    await transaction(pool, (client) => applyWebhooks((text, values) => client.query(text, values), [data]));
    onSettled(1);
  };
  const worker = new Worker<Payload>(NAME, handle, {
    connection: { url: redisUrl },
    concurrency: 10,
    removeOnComplete: { count: 0 },
  });
  worker.on("failed", (_, error) => endPeer(error));
}
