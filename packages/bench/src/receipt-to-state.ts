import type { Pool } from "@dossier/store";
import type { Row } from "./result.ts";
import { quantile } from "./statistics.ts";

/** A span of time in which webhooks came, and what else was measured then. */
export interface Window {
  readonly name: string;
  readonly from: Date;
  readonly until: Date;
  readonly figures: Row["figures"];
}

/** Returns a row for each window, with the times of the deliveries that were received in it. */
export async function toRows(pool: Pool, windows: readonly Window[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const { name, from, until, figures } of windows) {
    const times = await receiptToState(pool, from, until);
    rows.push({
      keys: [name],
      figures: {
        received: [times.length],
        "receipt → state p50 ms": [quantile(times, 0.5)],
        "p99 ms": [quantile(times, 0.99)],
        ...figures,
      },
    });
  }
  return rows;
}

/**
 * Returns the times from the receipt of each delivery in a span of time to the commit that settled it, in milliseconds.
 * Ingest draws its id once it has read and verified it, and `received_at` is later, as the delivery waits for the commit.
 * Those that are not settled yet are left out.
 */
export async function receiptToState(
  pool: Pool,
  from: Date,
  until: Date = new Date(),
): Promise<readonly number[]> {
  const { rows } = await pool.query<{ ms: number }>(
    `select (extract(epoch from pg_xact_commit_timestamp(settlements.xmin) - uuid_extract_timestamp(delivery_id))
       * 1000)::float8 as ms
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
