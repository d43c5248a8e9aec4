import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** How long the set of a bulk action is kept after its end. A trigger refuses to remove it before. */
const KEPT_DAYS = 90;

/** So many in a minute: a set of 100,000 is gone after ten of them. */
const MAX_REMOVED = 10_000;

const TIMEOUT = { query_timeout: 30_000 };

const removeOld = sqlFile("remove_old_sets");

/** Removes what bulk actions were about 90 days after they ended, at most 10,000 dead letters of them. */
export async function removeOldSets(pool: Pool): Promise<void> {
  await pool.query({ ...removeOld, values: [KEPT_DAYS, MAX_REMOVED], ...TIMEOUT });
}
