import {
  diffJson,
  formatTicks,
  toSearchable,
  type EventOrderKey,
  type Folded,
  type Json,
  type JsonDifference,
  type PersonState,
} from "@dossier/events";
import { MAX_BYTES } from "../database/groups.ts";
import type { Connection } from "../database/pool.ts";
import { jsonLines, sqlFile } from "../database/statements.ts";

const selectStates = sqlFile("select_states");

/**
 * Returns the projection's state of each of these persons. Beyond `MAX_BYTES` no further state is read; the first always
 * is.
 *
 * @returns `not-read` for a person whose state was not read; nothing for one who is not in the projection
 */
export async function selectFolded(
  connection: Connection,
  entityIds: readonly string[],
): Promise<ReadonlyMap<string, Folded | "not-read">> {
  const { rows } = await connection.query<{
    entity_id: string;
    state: string | null;
    last_ticks: bigint;
    last_event: string;
    last_id: string;
    fold_version: number;
  }>({ ...selectStates, values: [entityIds, MAX_BYTES] });
  return new Map(
    rows.map(({ entity_id, state, last_ticks: ticks, last_event: event, last_id: id, fold_version }) => [
      entity_id,
      state === null
        ? "not-read"
        : { state: JSON.parse(state) as PersonState, last: { ticks, event, id }, foldVersion: fold_version },
    ]),
  );
}

/** A row of `natural_persons`. Equal states give equal rows, byte for byte. */
export interface PersonRow {
  readonly entityId: string;
  readonly status: string;
  readonly reviewNeeded: boolean;
  readonly search: string;
  readonly state: string;
  /** The last event that is folded in. */
  readonly last: EventOrderKey;
  readonly foldVersion: number;
}

export function toRow({ state, last, foldVersion }: Folded): PersonRow {
  const { entityId, status, reviewNeeded, name, email } = state;
  const search = [name, email, entityId].filter((part) => part !== null).map(toSearchable);
  return {
    entityId,
    status,
    reviewNeeded,
    search: search.join("\n"),
    state: JSON.stringify(state),
    last,
    foldVersion,
  };
}

const upsertNaturalPersons = sqlFile("upsert_natural_persons");

export async function writePersons(connection: Connection, rows: readonly PersonRow[]): Promise<void> {
  if (rows.length === 0) return;
  await connection.query({
    ...upsertNaturalPersons,
    values: [
      rows.map(({ entityId }) => entityId),
      rows.map(({ status }) => status),
      rows.map(({ reviewNeeded }) => reviewNeeded),
      rows.map(({ search }) => search),
      jsonLines(rows.map(({ state }) => state)),
      rows.map(({ last }) => last.ticks),
      rows.map(({ last }) => last.event),
      rows.map(({ last }) => last.id),
      rows.map(({ foldVersion }) => foldVersion),
    ],
  });
}

/** A row of `natural_persons` as it is selected. */
export interface LiveColumns {
  readonly search: string;
  readonly state: string;
  readonly status: string;
  readonly review_needed: boolean;
  readonly last_ticks: bigint;
  readonly last_event: string;
  readonly last_id: string;
  readonly fold_version: number;
}

export function parseLiveRow(entityId: string, row: LiveColumns): PersonRow {
  const { state, status, search, last_ticks: ticks, last_event: event, last_id: id } = row;
  return {
    entityId,
    state,
    status,
    reviewNeeded: row.review_needed,
    search,
    last: { ticks, event, id },
    foldVersion: row.fold_version,
  };
}

/** Returns how two rows of a person differ; `undefined` if no byte does. */
export function diffRows(
  before: PersonRow | undefined,
  after: PersonRow | undefined,
): readonly JsonDifference[] | undefined {
  if (before !== undefined && after !== undefined && isSame(before, after)) return undefined;
  return diffJson(toJson(before), toJson(after));
}

function isSame(a: PersonRow, b: PersonRow): boolean {
  return (
    a.state === b.state &&
    a.status === b.status &&
    a.reviewNeeded === b.reviewNeeded &&
    a.search === b.search &&
    a.last.ticks === b.last.ticks &&
    a.last.event === b.last.event &&
    a.last.id === b.last.id &&
    a.foldVersion === b.foldVersion
  );
}

function toJson(row: PersonRow | undefined): Json {
  if (row === undefined) return {};
  const { state, status, reviewNeeded, search, last, foldVersion } = row;
  return {
    state: JSON.parse(state) as Json,
    status,
    reviewNeeded,
    search,
    last: { at: formatTicks(last.ticks), event: last.event, id: last.id },
    foldVersion,
  };
}
