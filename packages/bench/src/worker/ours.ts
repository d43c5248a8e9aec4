import { openQueue } from "@dossier/queue";
import { openPool, readInstallationId } from "@dossier/store";
import type { Scope } from "@dossier/testing";
import type { Peer, Places } from "../peers/peer.ts";
import { inGroups, recordBodies } from "../record.ts";
import { startService } from "../services.ts";

/** Deliveries of one commit: of more than one job, so that filling is fast. */
const COMMIT = 1_000;

/** Jobs of these deliveries are enqueued in their order, so many at once. */
const ENQUEUED_AT_ONCE = 50;

/** Only the first of very many are counted, since counting all takes Postgres from the worker. */
export const COUNTED = 40_000;

/** Records deliveries, and enqueues them in jobs of so many. */
export async function fill(places: Places, bodies: Iterable<Buffer>, job: number): Promise<void> {
  await using filler = openFiller(places);
  for await (const ids of recordBodies(filler.pool, bodies, job * Math.ceil(COMMIT / job)))
    await filler.enqueue(ids, job);
}

/** Opens the record and the queue for filling them. */
export function openFiller({ databaseUrl, redisUrl }: Places) {
  const pool = openPool(databaseUrl, { name: "bench", size: 1, timeoutMs: 600_000 });
  const onError = (error: Error) => process.stderr.write(`${error.message}\n`);
  const queue = openQueue(
    { redisUrl, installationId: () => readInstallationId(pool) },
    { name: "bench", timeoutMs: 60_000, onError },
  );
  return {
    pool,
    queue,
    /** Enqueues deliveries in jobs of so many. */
    async enqueue(deliveryIds: readonly string[], job: number): Promise<void> {
      for (const jobs of inGroups(inGroups(deliveryIds, job), ENQUEUED_AT_ONCE))
        await Promise.all(jobs.map((ids) => queue.enqueue(ids)));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await queue.close();
      await pool.end();
    },
  };
}

/** Starts our worker as it is. What it has settled is no longer open. */
export async function start(
  scope: Scope,
  { databaseUrl, redisUrl }: Places,
  collector?: string,
): Promise<Peer> {
  const pool = openPool(databaseUrl, { name: "bench", size: 1, timeoutMs: 60_000 });
  scope.onTestFinished(() => pool.end());
  const counted = await pool.query<{ last: string | null }>(
    `select max(delivery_id::text) as last
     from (select delivery_id from open_deliveries order by delivery_id limit ${COUNTED}) as counted`,
  );
  const countOpen = async () => {
    const { rows } = await pool.query<{ open: number }>(
      "select count(*)::int as open from open_deliveries where delivery_id <= $1",
      [counted.rows[0]?.last],
    );
    return rows[0]?.open ?? 0;
  };
  const all = await countOpen();
  const { child } = await startService(scope, "worker", { databaseUrl, redisUrl, collector });
  return { pid: child.pid, port: 0, settled: async () => all - (await countOpen()) };
}
