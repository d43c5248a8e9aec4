import type { Person } from "@dossier/events";
import { appendAudit, listPersons, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { MAX_LIMIT } from "../../api/parameters.ts";
import { maskPerson } from "../../masking/mask-json.ts";
import { csvLine } from "../csv.ts";
import { download } from "../download.ts";
import { readForm } from "../form.ts";
import type { PageEnv } from "../page.ts";
import { searchEnded } from "../sealed-search.ts";
import { listQuery, readListed, type Listed } from "./listed.ts";

const HEAD = [
  "entityId",
  "name",
  "email",
  "status",
  "reviewNeeded",
  "unknownEvents",
  "events",
  "firstEventAt",
  "lastEventAt",
];

/**
 * Returns the handler that exports what is listed as CSV. Names and e-mails are masked, whoever is revealed: a file
 * outlives the 15 minutes. The audit log has the filter, and that a term was searched, before the first line is sent.
 */
export function exportPersons(pool: Pool, onError: (err: unknown) => void) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const read = await readForm(c, listQuery.omit({ cursor: true }));
    if (!read.ok) return read.refusal;
    const listed = readListed(c, read.value);
    if (listed === undefined) return searchEnded(c);
    await appendAudit(pool, { who: c.get("caller").name, action: "exported", detail: describe(listed) });
    const file = { name: "persons.csv", type: "text/csv; charset=utf-8" };
    return download(c, file, readCsv(pool, listed.filter), onError);
  };
}

function describe({ filter, term }: Listed): Record<string, string> {
  const { status, reviewNeeded, unknownEvents, asOf, knownAt } = filter;
  return {
    list: "natural-persons",
    ...(status !== undefined && { status }),
    ...(reviewNeeded === true && { reviewNeeded: "yes" }),
    ...(unknownEvents === true && { unknownEvents: "yes" }),
    ...(term !== undefined && { searched: "yes" }),
    ...((asOf !== undefined || knownAt !== undefined) && { at: "an earlier time" }),
  };
}

async function* readCsv(pool: Pool, filter: Listed["filter"]): AsyncGenerator<string> {
  // Excel reads a file without the mark as Latin-1.
  yield `\uFEFF${csvLine(HEAD)}`;
  for (let after: string | undefined; ;) {
    const { persons, next } = await listPersons(pool, filter, { limit: MAX_LIMIT, after });
    yield persons.map((person) => csvLine(cellsOf(maskPerson(person)))).join("");
    if (next === undefined) return;
    after = next;
  }
}

function cellsOf(person: Person): readonly string[] {
  const { entityId, name, email, status, reviewNeeded, unrecognisedEvents, version } = person;
  return [
    entityId,
    name ?? "",
    email ?? "",
    status,
    String(reviewNeeded),
    String(unrecognisedEvents),
    String(version),
    person.firstEventAt ?? "",
    person.lastEventAt ?? "",
  ];
}
