import type { Pool } from "@dossier/store";

/** Returns the times from the receipt of each delivery since then to the commit that settled it, in milliseconds. */
export async function receiptToState(pool: Pool, from: Date): Promise<readonly number[]> {
  const { rows } = await pool.query<{ ms: number }>(
    `select (extract(epoch from pg_xact_commit_timestamp(settlements.xmin) - received_at) * 1000)::float8 as ms
     from deliveries join settlements using (delivery_id) where received_at >= $1`,
    [from],
  );
  return rows.map(({ ms }) => ms);
}
