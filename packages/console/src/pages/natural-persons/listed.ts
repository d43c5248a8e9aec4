import type { PointInTime } from "@dossier/events";
import type { PersonFilter, Pool, StuckAfterHours } from "@dossier/store";
import type { Context } from "hono";
import type { z } from "zod";
import { personFilterOf, personQuery, searchFor } from "../../api/person-filter.ts";
import type { OnFileError } from "../../exports/file.ts";
import { exportPersons } from "../../exports/persons.ts";
import { readForm } from "../form.ts";
import type { PageEnv } from "../page.ts";
import { openGiven, searchEnded, sealedSearch } from "../sealed-search.ts";

/** What the URL of a list of persons says. The search term in it is sealed. */
export const listQuery = personQuery.omit({ count: true, limit: true }).extend(sealedSearch);

export interface Listed {
  readonly filter: PersonFilter & PointInTime;
  /** What is searched. */
  readonly term: string | undefined;
}

/** Returns what a list selects; `undefined` if its search term was sealed in another session. */
export function readListed(
  c: Context<PageEnv>,
  { search, cursor: _, ...filter }: z.output<typeof listQuery>,
  stuckAfterHours: StuckAfterHours,
): Listed | undefined {
  const term = openGiven(c, search);
  if (search !== undefined && term === undefined) return undefined;
  return {
    term,
    filter: { ...personFilterOf(filter, stuckAfterHours), ...searchFor(c.get("caller"), term) },
  };
}

/** Returns the handler that exports what is listed, masked. */
export function exportListed(pool: Pool, stuckAfterHours: StuckAfterHours, onError: OnFileError) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = await readForm(c, listQuery.omit({ cursor: true }));
    if (!read.ok) return read.refusal;
    const listed = readListed(c, read.value, stuckAfterHours);
    if (listed === undefined) return searchEnded(c);
    const { name: who } = c.get("caller");
    return exportPersons(c, { pool, who, filter: listed.filter, isMasked: true, onError });
  };
}
