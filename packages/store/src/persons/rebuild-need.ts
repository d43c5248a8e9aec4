import { FOLD_VERSION, naturalPersonEvents } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** What a rebuild would fold anew. */
export interface RebuildNeed {
  readonly needed: boolean;
  /** Persons whose row another version of the fold made, counted up to 1,000. */
  readonly outdatedPersons: number;
  /** Persons of the log who have no row. */
  readonly unfoldedPersons: number;
  /**
   * By type, counted up to 1,000: events of outdated persons that were not recognised when they were appended, and whose
   * type this code knows.
   */
  readonly eventsKnownNow: Readonly<Record<string, number>>;
}

const MAX_COUNTED = 1_000;

const selectRebuildNeed = sqlFile("select_rebuild_need");

/**
 * Returns whether the projection is what this code folds the log to, as far as that shows without folding: after an
 * update that changes the fold it is not, until `dossier rebuild`; each type that this code knows anew changes the fold.
 * Counts all persons, which takes about half a second for a million.
 */
export async function findRebuildNeed(pool: Pool): Promise<RebuildNeed> {
  const { rows } = await pool.query<{
    outdated_persons: bigint;
    unfolded_persons: bigint;
    known_now: string;
  }>({ ...selectRebuildNeed, values: [FOLD_VERSION, Object.keys(naturalPersonEvents), MAX_COUNTED] });
  const [row] = rows;
  if (row === undefined) throw new Error("finding whether a rebuild is needed returned no row");
  const outdatedPersons = Number(row.outdated_persons);
  const unfoldedPersons = Number(row.unfolded_persons);
  return {
    needed: outdatedPersons > 0 || unfoldedPersons > 0,
    outdatedPersons,
    unfoldedPersons,
    eventsKnownNow: JSON.parse(row.known_now) as Record<string, number>,
  };
}
