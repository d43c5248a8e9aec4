import type { Pool } from "./pool.ts";

const SELECT_ID =
  "select installation_id as id from installations where database_identity = database_identity()";

/**
 * Returns the id of this installation: the one that `migrate` made, or a new one if the database is a restored copy, which
 * must not take the jobs of the database that it was copied from.
 */
export async function readInstallationId(pool: Pool): Promise<string> {
  const found = await pool.query<{ id: string }>(SELECT_ID);
  if (found.rows[0] !== undefined) return found.rows[0].id;
  await pool.query(
    "insert into installations (database_identity) values (database_identity()) on conflict do nothing",
  );
  const [added] = (await pool.query<{ id: string }>(SELECT_ID)).rows;
  if (added === undefined) throw new Error("the installation's id was added, and cannot be read");
  return added.id;
}
