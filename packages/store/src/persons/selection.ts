import { naturalPersonEvents, toSearchable, type Person, type Status } from "@dossier/events";

/** Selects persons. All conditions that are set must hold. */
export interface PersonFilter {
  readonly entityId?: string | undefined;
  readonly status?: Status | undefined;
  /** Only persons who need a review. */
  readonly reviewNeeded?: boolean | undefined;
  /** Only persons with an event whose type this code does not know. */
  readonly unknownEvents?: boolean | undefined;
  /** A part of the name, the e-mail or the id, whatever the case. */
  readonly q?: string | undefined;
  /** The whole e-mail, whatever the case, or the whole id. */
  readonly whole?: string | undefined;
}

export interface PersonSelection {
  /** Selects `entity_id` and `state`, and ends with its conditions. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Returns the statement that selects the persons as of now. It must be planned each time: it depends on the values. */
export function personSelection({
  entityId,
  status,
  reviewNeeded,
  unknownEvents,
  q,
  whole,
}: PersonFilter): PersonSelection {
  const values: unknown[] = [];
  const parameter = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
  const conditions = ["true"];
  if (entityId !== undefined) conditions.push(`entity_id = ${parameter(entityId, "text")}`);
  if (status !== undefined) conditions.push(`status = ${parameter(status, "text")}`);
  if (reviewNeeded === true) conditions.push("review_needed");
  if (unknownEvents === true)
    conditions.push(
      `entity_id in (
        select entity_id from events
        where not recognised and event <> all (${parameter(Object.keys(naturalPersonEvents), "text[]")})
      )`,
    );
  const part = q ?? whole;
  if (part !== undefined) conditions.push(`person_search.search like ${parameter(toPattern(part), "text")}`);
  // Name, e-mail and id are lines of their own. The condition above uses the index.
  if (whole !== undefined)
    conditions.push(
      `E'\\n' || person_search.search || E'\\n' like ${parameter(toPattern(`\n${whole}\n`), "text")}`,
    );
  const search = part === undefined ? "" : "join person_search using (entity_id)";
  return {
    text: `select entity_id, state from natural_persons ${search} where ${conditions.join(" and ")}`,
    values,
  };
}

/** Returns a pattern of SQL's `like` for what contains this text, with its special characters escaped. */
function toPattern(text: string): string {
  return `%${toSearchable(text).replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

/** Returns whether a person, as of whatever time, is selected. */
export function isSelected(
  person: Person,
  { entityId, status, reviewNeeded, unknownEvents, q, whole }: PersonFilter,
): boolean {
  if (entityId !== undefined && person.entityId !== entityId) return false;
  if (status !== undefined && person.status !== status) return false;
  if (reviewNeeded === true && !person.reviewNeeded) return false;
  if (unknownEvents === true && person.unrecognisedEvents === 0) return false;
  const isIn = (text: string | null, part: string) => text !== null && toSearchable(text).includes(part);
  if (
    q !== undefined &&
    ![person.name, person.email, person.entityId].some((text) => isIn(text, toSearchable(q)))
  )
    return false;
  if (whole === undefined || person.entityId === whole) return true;
  return person.email !== null && toSearchable(person.email) === toSearchable(whole);
}
