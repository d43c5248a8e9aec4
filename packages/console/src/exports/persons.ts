import { formatTicks, type Person, type PointInTime } from "@dossier/events";
import { appendAudit, listPersons, type PersonFilter, type Pool } from "@dossier/store";
import type { Context } from "hono";
import { MAX_LIMIT } from "../api/parameters.ts";
import { maskPerson } from "../masking/mask-json.ts";
import { answerFile, BYTE_ORDER_MARK, CSV_TYPE, csvLine, type OnFileError } from "./file.ts";

export const PERSONS_FILE = { name: "persons.csv", type: CSV_TYPE };

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

export interface PersonsExport {
  readonly pool: Pool;
  readonly who: string;
  readonly filter: PersonFilter & PointInTime;
  /** People get it masked, whoever is revealed: a file outlives the 15 minutes. */
  readonly isMasked: boolean;
  readonly onError: OnFileError;
}

/**
 * Answers the persons whom a filter selects as CSV. The audit log has the filter, and that a term was searched, before the
 * first line is sent.
 */
export async function exportPersons(
  c: Context,
  { pool, who, filter, isMasked, onError }: PersonsExport,
): Promise<Response> {
  const detail = { ...describe(filter), ...(!isMasked && { unmasked: "yes" }) };
  await appendAudit(pool, { who, action: "exported", detail });
  return answerFile(c, PERSONS_FILE, readCsv(pool, filter, isMasked), onError);
}

function describe(filter: PersonsExport["filter"]): Record<string, string> {
  const { status, reviewNeeded, unknownEvents, stuckBefore, q, whole, asOf, knownAt } = filter;
  return {
    list: "natural-persons",
    ...(status !== undefined && { status }),
    ...(reviewNeeded === true && { reviewNeeded: "yes" }),
    ...(unknownEvents === true && { unknownEvents: "yes" }),
    ...(stuckBefore !== undefined && { stuck: "yes" }),
    ...((q !== undefined || whole !== undefined) && { searched: "yes" }),
    ...(asOf !== undefined && { asOf: formatTicks(asOf) }),
    ...(knownAt !== undefined && { knownAt: formatTicks(knownAt) }),
  };
}

async function* readCsv(
  pool: Pool,
  filter: PersonsExport["filter"],
  isMasked: boolean,
): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + csvLine(HEAD);
  for (let after: string | undefined; ;) {
    const { persons, next } = await listPersons(pool, filter, { limit: MAX_LIMIT, after });
    yield persons.map((person) => csvLine(cellsOf(isMasked ? maskPerson(person) : person))).join("");
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
