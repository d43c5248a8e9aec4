import type { PointInTime } from "@dossier/events";
import type { PersonFilter } from "@dossier/store";
import type { Context } from "hono";
import type { z } from "zod";
import { personQuery, searchFor } from "../../api/person-filter.ts";
import type { PageEnv } from "../page.ts";
import { openTerm, sealedSearch } from "../sealed-search.ts";

/** What the URL of a list of persons says. The search term in it is sealed. */
export const listQuery = personQuery.omit({ limit: true }).extend(sealedSearch);

export interface Listed {
  readonly filter: PersonFilter & PointInTime;
  /** What is searched. */
  readonly term: string | undefined;
}

/** Returns what a list selects; `undefined` if its search term was sealed in another session. */
export function readListed(
  c: Context<PageEnv>,
  { search, cursor: _, ...filter }: z.output<typeof listQuery>,
): Listed | undefined {
  const term = search === undefined ? undefined : openTerm(search, c.get("sessionId"));
  if (search !== undefined && term === undefined) return undefined;
  return { term, filter: { ...filter, ...searchFor(c.get("caller"), term) } };
}
