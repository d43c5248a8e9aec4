import { formatTicks, type Json, type Place } from "@dossier/events";
import { differences, type Difference } from "./difference.ts";
import type { ProjectedRow, Refolded } from "./rebuild-fold.ts";

/** How a rebuild changes a person. Holds personal data. */
export interface PersonRebuilt {
  readonly entityId: string;
  /** `added`: the projection lacked the person; `removed`: the log knows nothing of the person. */
  readonly kind: "added" | "changed" | "removed";
  readonly differences: readonly Difference[];
}

/** What folding anew changes of a person's row; `undefined` where nothing, byte for byte. */
export function changeOf({ entityId, folded, live }: Refolded): PersonRebuilt | undefined {
  const fresh = folded && {
    state: JSON.stringify(folded.state),
    status: folded.state.status,
    last: folded.last,
  };
  if (fresh && live && isSame(fresh, live)) return undefined;
  const kind = live === undefined ? "added" : fresh === undefined ? "removed" : "changed";
  return { entityId, kind, differences: differences(fieldsOf(live), fieldsOf(fresh)) };
}

function isSame(a: ProjectedRow, b: ProjectedRow): boolean {
  return a.state === b.state && a.status === b.status && isSamePlace(a.last, b.last);
}

function isSamePlace(a: Place, b: Place): boolean {
  return a.ticks === b.ticks && a.event === b.event && a.id === b.id;
}

function fieldsOf(row: ProjectedRow | undefined): Json {
  if (row === undefined) return {};
  const { ticks, event, id } = row.last;
  return {
    state: JSON.parse(row.state) as Json,
    status: row.status,
    last: { at: formatTicks(ticks), event, id },
  };
}
