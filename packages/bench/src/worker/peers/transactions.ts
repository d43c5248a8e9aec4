// The transactions of our worker without its queue, as many at once.
import { openPool, settle } from "@dossier/store";
import type { Places } from "../../peers/peer.ts";
import { recordBodies } from "../../record.ts";

const BATCH = 500;
const AT_ONCE = 2;

export async function fill({ databaseUrl }: Places, bodies: readonly Buffer[]): Promise<void> {
  const pool = openPool(databaseUrl, { name: "bench", size: 1 });
  for await (const _ of recordBodies(pool, bodies, BATCH));
  await pool.end();
}

export async function start({ databaseUrl }: Places, onSettled: (deliveries: number) => void): Promise<void> {
  const pool = openPool(databaseUrl, { name: "transactions", size: AT_ONCE });
  const { rows } = await pool.query<{ id: string }>(
    "select delivery_id as id from open_deliveries order by 1",
  );

  let next = 0;
  const settleAll = async () => {
    while (next < rows.length) {
      const ids = rows.slice(next, (next += BATCH)).map(({ id }) => id);
      await settle(pool, ids, "bench");
      onSettled(ids.length);
    }
  };
  for (let one = 0; one < AT_ONCE; one++) void settleAll();
}
