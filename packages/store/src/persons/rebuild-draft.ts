import { PG_MIGRATE_LOCK_ID } from "node-pg-migrate";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import { writePersons } from "./fold.ts";
import type { Refolded } from "./rebuild-fold.ts";

// The draft: the projection's tables once more, in a schema of their own, made and filled within one transaction.

const selectRights = statement("rebuild_rights");
const tryExclusive = statement("rebuild_try_exclusive");
const create = statement("rebuild_create");

/**
 * Makes an empty draft. Throws where the role lacks a right, and where another rebuild, or a migration, which would
 * change the tables under it, is running.
 */
export async function beginDraft(connection: Connection): Promise<void> {
  const { rows } = await connection.query<{
    role: string;
    database: string;
    owner: string;
    owns: boolean;
    creates: boolean;
  }>(selectRights);
  const [rights] = rows;
  if (rights !== undefined && !(rights.owns && rights.creates))
    throw new Error(
      `role ${rights.role} may not rebuild: that takes the rights of ${rights.owner}, who owns natural_persons, ` +
        `and the right to create a schema in database ${rights.database}; use the URL that migrations use`,
    );
  const exclusive = await connection.query<{ exclusive: boolean }>({
    ...tryExclusive,
    values: [PG_MIGRATE_LOCK_ID],
  });
  if (exclusive.rows[0]?.exclusive !== true)
    throw new Error("another rebuild or a migration is running on this database: wait until it has ended");
  await connection.query(create.text);
}

/** Writes persons into the draft. */
export async function writeDraft(connection: Connection, persons: readonly Refolded[]): Promise<void> {
  const rows = persons.flatMap(({ folded }) => folded ?? []);
  // The path holds nothing but the draft: should that be missing, no live row is written in its stead.
  await Promise.all([
    connection.query("set local search_path = dossier_rebuild"),
    writePersons(connection, rows),
    connection.query("set local search_path to default"),
  ]);
}

const complete = statement("rebuild_complete");

/** Adds what a draft is filled faster without: what follows from the persons, indexes, triggers, statistics. */
export async function completeDraft(connection: Connection): Promise<void> {
  await connection.query(complete.text);
}

const switchTables = statement("rebuild_switch");

/** Puts the draft in the live tables' place, of which the caller holds the locks. */
export async function switchToDraft(connection: Connection): Promise<void> {
  await connection.query(switchTables.text);
}
