import { openQueue } from "@dossier/queue";
import { openPool, readInstallationId } from "@dossier/store";
import type { Scope } from "@dossier/testing";
import type { Peer, Places } from "../peers/peer.ts";
import { recordBodies } from "../record.ts";
import { startService } from "../services.ts";

/** Records deliveries, and enqueues them in jobs of so many. */
export async function fill(
  { databaseUrl, redisUrl }: Places,
  bodies: readonly Buffer[],
  job: number,
): Promise<void> {
  const pool = openPool(databaseUrl, { name: "bench", size: 1 });
  const onError = (error: Error) => process.stderr.write(`${error.message}\n`);
  const queue = openQueue(
    { redisUrl, installationId: () => readInstallationId(pool) },
    { name: "bench", onError },
  );
  for (const ids of await recordBodies(pool, bodies, job)) await queue.enqueue(ids);
  await queue.close();
  await pool.end();
}

/** Starts our worker as it is. What it has settled is no longer open. */
export async function start(scope: Scope, { databaseUrl, redisUrl }: Places): Promise<Peer> {
  const pool = openPool(databaseUrl, { name: "bench", size: 1 });
  scope.onTestFinished(() => pool.end());
  const countOpen = async () => {
    const { rows } = await pool.query<{ open: number }>("select count(*)::int as open from open_deliveries");
    return rows[0]?.open ?? 0;
  };
  const all = await countOpen();
  const { child } = await startService(scope, "worker", { databaseUrl, redisUrl });
  return { pid: child.pid, port: 0, settled: async () => all - (await countOpen()) };
}
