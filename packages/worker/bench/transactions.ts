// A worker's transactions without its queue, one after the other.
import { openPool, settle } from "@dossier/store";
import type { Places } from "./settle.ts";

const BATCH = 500;

/** Settles all open deliveries. */
export async function start({ postgresUrl }: Places): Promise<void> {
  const pool = openPool(postgresUrl, { name: "transactions", size: 1 });
  const { rows } = await pool.query<{ id: string }>(
    "select delivery_id as id from open_deliveries order by 1",
  );
  for (let next = 0; next < rows.length; next += BATCH)
    await settle(
      pool,
      rows.slice(next, next + BATCH).map(({ id }) => id),
      "bench",
    );
}
