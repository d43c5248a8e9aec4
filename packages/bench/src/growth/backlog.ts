import type { LocalServer } from "@dossier/embedded";
import type { Pool } from "@dossier/store";
import type { Scope } from "@dossier/testing";
import { mixedBodies } from "../bodies.ts";
import type { Places } from "../peers/peer.ts";
import { recordBodies } from "../record.ts";
import { startSeeded } from "../servers.ts";
import { openFiller } from "../worker/ours.ts";

const COMMIT = 1_000;

/** Starts a Postgres with so many open deliveries, and no log. */
export async function startBacklog(scope: Scope, data: string, waiting: number): Promise<LocalServer> {
  const postgres = await startSeeded({
    data,
    name: `backlog-${waiting}`,
    seed: (pool) => fillUp(pool, waiting),
  });
  scope.onTestFinished(() => postgres.stop());
  return postgres;
}

/** Enqueues all open deliveries in jobs of so many, the oldest first. Records as many as were settled since. */
export async function enqueueBacklog(places: Places, waiting: number, job: number): Promise<void> {
  await using filler = openFiller(places);
  await fillUp(filler.pool, waiting);
  const { rows } = await filler.pool.query<{ id: string }>(
    "select delivery_id as id from open_deliveries order by 1",
  );
  await filler.enqueue(
    rows.map(({ id }) => id),
    job,
  );
}

async function fillUp(pool: Pool, waiting: number): Promise<void> {
  const { rows } = await pool.query<{ open: number }>("select count(*)::int as open from open_deliveries");
  const missing = Math.max(waiting - (rows[0]?.open ?? 0), 0);
  for await (const _ of recordBodies(pool, mixedBodies(missing), COMMIT));
  await pool.query("vacuum (analyze) open_deliveries");
}
