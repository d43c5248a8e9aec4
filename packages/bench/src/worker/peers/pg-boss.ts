// pg-boss with one job a webhook, of which it fetches many at once. They are applied and completed in one transaction.
import { PgBoss } from "pg-boss";
import type { Places } from "../../peers/peer.ts";
import { applyWebhooks, parse, TABLES, type Payload } from "../../peers/persons.ts";

const NAME = "webhooks";
const BATCH = 500;

export async function fill({ databaseUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  const boss = await new PgBoss({ connectionString: databaseUrl, supervise: false }).start();
  await boss.createQueue(NAME);
  for (let start = 0; start < bodies.length; start += BATCH)
    await boss.insert(
      NAME,
      bodies.slice(start, start + BATCH).map((body) => ({ data: parse(body) })),
    );
  await boss.stop();
}

type OnSettled = (deliveries: number) => void;

/** Its batches follow one another. */
export const start = (places: Places, onSettled: OnSettled) => startLoops(places, onSettled, 1);

export async function startLoops(
  { databaseUrl }: Places,
  onSettled: OnSettled,
  loops: number,
): Promise<void> {
  const boss = await new PgBoss({ connectionString: databaseUrl }).start();
  const db = boss.getDb();
  await db.executeSql(TABLES);

  async function settleBatch(): Promise<number> {
    const transaction = await db.beginTransaction?.();
    if (transaction === undefined) throw new Error("pg-boss has no transaction");
    const { db: connection } = transaction;
    const jobs = await boss.fetch<Payload>(NAME, { batchSize: BATCH, db: connection });
    if (jobs.length > 0) {
      await applyWebhooks(
        (text, values) => connection.executeSql(text, values),
        jobs.map(({ data }) => data),
      );
      await boss.complete(
        NAME,
        jobs.map(({ id }) => id),
        null,
        { db: connection },
      );
    }
    await transaction.commit();
    onSettled(jobs.length);
    return jobs.length;
  }

  const settleAll = async () => {
    while ((await settleBatch()) > 0);
  };
  for (let loop = 0; loop < loops; loop++) void settleAll();
}
