// The transactions of our worker without its queue, one after the other.
import { openPool, settle } from "@dossier/store";
import type { Places } from "../../peers/peer.ts";
import { recordBodies } from "../../record.ts";

const BATCH = 500;

export async function fill({ databaseUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  const pool = openPool(databaseUrl, { name: "bench", size: 1 });
  for await (const _ of recordBodies(pool, bodies, BATCH));
  await pool.end();
}

export async function start({ databaseUrl }: Places, onSettled: (deliveries: number) => void): Promise<void> {
  const pool = openPool(databaseUrl, { name: "transactions", size: 1 });
  const { rows } = await pool.query<{ id: string }>(
    "select delivery_id as id from open_deliveries order by 1",
  );

  void (async () => {
    for (let next = 0; next < rows.length; next += BATCH) {
      const ids = rows.slice(next, next + BATCH).map(({ id }) => id);
      await settle(pool, ids, "bench");
      onSettled(ids.length);
    }
  })();
}
