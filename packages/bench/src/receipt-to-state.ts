import type { Pool } from "@dossier/store";

/**
 * Returns the times from the receipt of each delivery in a span of time to the commit that settled it, in milliseconds.
 * Those that are not settled yet are left out.
 */
export async function receiptToState(
  pool: Pool,
  from: Date,
  until: Date = new Date(),
): Promise<readonly number[]> {
  const { rows } = await pool.query<{ ms: number }>(
    `select (extract(epoch from pg_xact_commit_timestamp(settlements.xmin) - received_at) * 1000)::float8 as ms
     from deliveries join settlements using (delivery_id) where delivery_id between $1 and $2`,
    [firstIdOf(from), firstIdOf(until)],
  );
  return rows.map(({ ms }) => ms);
}

/** Ids begin with the time of ingest's clock, which is that of this machine. There is no index by time. */
function firstIdOf(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
