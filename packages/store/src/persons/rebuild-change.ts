import { formatTicks, type Json, type EventOrderKey } from "@dossier/events";
import { differences, type Difference } from "./difference.ts";
import type { PersonRow } from "./fold.ts";
import type { Refolded } from "./rebuild-fold.ts";

/** How a rebuild changes a person. Holds personal data. */
export interface RebuildChange {
  readonly entityId: string;
  /** `added`: the projection lacked the person; `removed`: the log knows nothing of the person. */
  readonly kind: "added" | "changed" | "removed";
  readonly differences: readonly Difference[];
}

/** What folding anew changes of a person's row; `undefined` where nothing, byte for byte. */
export function changeOf({ entityId, folded, live }: Refolded): RebuildChange | undefined {
  if (folded && live && isSame(folded, live)) return undefined;
  const kind = live === undefined ? "added" : folded === undefined ? "removed" : "changed";
  return { entityId, kind, differences: differences(fieldsOf(live), fieldsOf(folded)) };
}

function isSame(a: PersonRow, b: PersonRow): boolean {
  return (
    a.state === b.state && a.status === b.status && a.search === b.search && isSameOrderKey(a.last, b.last)
  );
}

function isSameOrderKey(a: EventOrderKey, b: EventOrderKey): boolean {
  return a.ticks === b.ticks && a.event === b.event && a.id === b.id;
}

function fieldsOf(row: PersonRow | undefined): Json {
  if (row === undefined) return {};
  const { state, status, search, last } = row;
  return {
    state: JSON.parse(state) as Json,
    status,
    search,
    last: { at: formatTicks(last.ticks), event: last.event, id: last.id },
  };
}
