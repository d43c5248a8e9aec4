import { compareText, FOLD_VERSION, type Folded } from "@dossier/events";
import { readInBatches } from "../database/long-read.ts";
import type { Connection } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { diffRows, parseLiveRow, toRow, type LiveColumns, type PersonRow } from "../persons/projection.ts";
import type { ReportMismatch } from "./findings.ts";

export interface ProjectionChecker {
  /** Checks the next person, by entity id, against what the log folds to. */
  next(entityId: string, folded: Folded | undefined): Promise<void>;
  /** Checks that the projection has no further person. */
  end(): Promise<void>;
}

type Row = { readonly entity_id: string; readonly indexed: string | null } & (
  | LiveColumns
  | { readonly [Column in keyof LiveColumns]: null }
);

const selectProjection = sqlFile("select_projection");

const BATCH_SIZE = 500;

/** Checks the projection of one person, or of all (`undefined`), beside a walk over the log. */
export function createProjectionChecker(
  connection: Connection,
  entityId: string | undefined,
  report: ReportMismatch,
): ProjectionChecker {
  const rows = readRows(connection, entityId);
  let upcoming: Promise<IteratorResult<Row, undefined>> | undefined;

  /** Takes the rows up to a person, or all. Returns the person's own. */
  async function take(until?: string): Promise<Row | undefined> {
    for (;;) {
      upcoming ??= rows.next();
      const { value: row } = await upcoming;
      if (row === undefined) return undefined;
      const order = until === undefined ? -1 : compareText(row.entity_id, until);
      if (order > 0) return undefined;
      upcoming = undefined;
      if (order === 0) return row;
      reportRow(row.entity_id, "no person, as the log has none", "a row");
    }
  }

  function reportRow(id: string, expected: string, found: string, check = "projection" as const): void {
    report(check, { table: "natural_persons", entityId: id, expected, found });
  }

  return {
    async next(id, folded) {
      const row = await take(id);
      if (folded === undefined) return;
      const expected = toRow(folded);
      if (row === undefined || row.state === null)
        return reportRow(id, "the person that the log folds to", "no row");
      const live = parseLiveRow(id, row);
      if (live.foldVersion !== FOLD_VERSION)
        return report("rebuild-needed", {
          table: "natural_persons",
          entityId: id,
          expected: `a person folded by version ${FOLD_VERSION} of the fold`,
          found: `version ${live.foldVersion}`,
        });
      const differences = describeDifferences(live, expected);
      if (differences !== undefined)
        reportRow(id, "the person that the log folds to", `another: ${differences}`);
      else if (row.indexed !== live.search)
        report("projection", {
          table: "person_search",
          entityId: id,
          expected: "a copy of natural_persons.search",
          found: row.indexed === null ? "no row" : "another text",
        });
    },
    end: async () => void (await take()),
  };
}

async function* readRows(
  connection: Connection,
  entityId: string | undefined,
): AsyncGenerator<Row, undefined> {
  const query = { ...selectProjection, values: [entityId ?? null] };
  for await (const rows of readInBatches<Row>(connection, query, BATCH_SIZE)) yield* rows;
  return undefined;
}

/** Returns the paths of what differs, without values, which are personal data. */
function describeDifferences(live: PersonRow, expected: PersonRow): string | undefined {
  try {
    const differences = diffRows(live, expected);
    if (differences === undefined) return undefined;
    return differences.map(({ path }) => path).join(", ") || "the state's text";
  } catch {
    return "a state that cannot be parsed";
  }
}
