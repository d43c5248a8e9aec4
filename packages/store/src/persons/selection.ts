import {
  naturalPersonEvents,
  parseTicks,
  shortTermPattern,
  toSearchable,
  type Person,
  type Status,
  type Ticks,
} from "@dossier/events";

/** Selects persons. All conditions that are set must hold. */
export interface PersonFilter {
  readonly entityId?: string | undefined;
  readonly status?: Status | undefined;
  /** Only persons who need a review. */
  readonly reviewNeeded?: boolean | undefined;
  /** Only persons with an event whose type this code does not know. */
  readonly unknownEvents?: boolean | undefined;
  /** Only persons who are stuck: in one of these steps, without an event since its time. */
  readonly stuckBefore?: ReadonlyMap<Status, Ticks> | undefined;
  /** A part of the name, the e-mail or the id, whatever the case; one or two characters begin a word of them. */
  readonly q?: string | undefined;
  /** The whole e-mail, whatever the case, or the whole id. */
  readonly whole?: string | undefined;
}

/** As the index by the time of the last event says it. */
export const IS_WAITING = "status not in ('unknown', 'approved')";

export interface PersonSelection {
  /** Begins with `from`, and ends with its conditions. Has `entity_id`. */
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Returns what selects the persons as of now. It must be planned each time: it depends on the values. */
export function personSelection({
  entityId,
  status,
  reviewNeeded,
  unknownEvents,
  stuckBefore,
  q,
  whole,
}: PersonFilter): PersonSelection {
  const values: unknown[] = [];
  const parameter = (value: unknown, type: string) => `$${values.push(value)}::${type}`;
  const conditions: string[] = [];
  if (status !== undefined) conditions.push(`status = ${parameter(status, "text")}`);
  if (reviewNeeded === true) conditions.push("review_needed");
  if (stuckBefore !== undefined) {
    const steps = [...stuckBefore].map(
      ([step, before]) =>
        `status = ${parameter(step, "text")} and last_ticks < ${parameter(before, "bigint")}`,
    );
    conditions.push(IS_WAITING, `(${["false", ...steps].join(" or ")})`);
  }
  // The projection's rows are wide: who is only searched is found without them.
  const tables = conditions.length > 0 ? ["natural_persons"] : [];
  if (entityId !== undefined) conditions.push(`entity_id = ${parameter(entityId, "text")}`);
  if (unknownEvents === true)
    tables.push(
      `(select distinct entity_id from events
        where not recognised and event <> all (${parameter(Object.keys(naturalPersonEvents), "text[]")})
       ) as unknown`,
    );
  if (q !== undefined) conditions.push(isFound(toSearchable(q), parameter));
  // Name, e-mail and id are lines: the last but one is the e-mail. Of it, there is an index.
  if (whole !== undefined) {
    const email = parameter(toSearchable(whole), "text");
    const id = parameter(whole.toWellFormed().replaceAll("\0", "\uFFFD"), "text");
    conditions.push(`(split_part(search.search, E'\\n', -2) = ${email} or search.entity_id = ${id})`);
  }
  if (q !== undefined || whole !== undefined) tables.push("person_search as search");
  const [first = "natural_persons", ...others] = tables;
  const from = [first, ...others.map((table) => `join ${table} using (entity_id)`)].join(" ");
  return { text: `from ${from} where ${["true", ...conditions].join(" and ")}`, values };
}

/** Returns the condition that a term is found. The index by trigrams serves both kinds. */
function isFound(term: string, parameter: (value: unknown, type: string) => string): string {
  const pattern = shortTermPattern(term);
  return pattern === undefined
    ? `search.search like ${parameter(toPattern(term), "text")}`
    : `search.search ~ ${parameter(pattern, "text")}`;
}

/** Returns a pattern of SQL's `like` for what contains this text, with its special characters escaped. */
function toPattern(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

/** Returns whether a person, as of whatever time, is selected. */
export function isSelected(
  person: Person,
  { entityId, status, reviewNeeded, unknownEvents, stuckBefore, q, whole }: PersonFilter,
): boolean {
  if (entityId !== undefined && person.entityId !== entityId) return false;
  if (status !== undefined && person.status !== status) return false;
  if (reviewNeeded === true && !person.reviewNeeded) return false;
  if (unknownEvents === true && person.unrecognisedEvents === 0) return false;
  if (stuckBefore !== undefined && !isStuck(person, stuckBefore)) return false;
  if (q !== undefined && !isFoundIn([person.name, person.email, person.entityId], toSearchable(q)))
    return false;
  if (whole === undefined || person.entityId === whole) return true;
  return person.email !== null && toSearchable(person.email) === toSearchable(whole);
}

function isStuck({ status, lastEventAt }: Person, stuckBefore: ReadonlyMap<Status, Ticks>): boolean {
  const before = stuckBefore.get(status);
  const last = lastEventAt === null ? undefined : parseTicks(lastEventAt);
  return before !== undefined && last !== undefined && last < before;
}

function isFoundIn(texts: readonly (string | null)[], term: string): boolean {
  const searchable = texts.filter((text) => text !== null).map(toSearchable);
  const pattern = shortTermPattern(term);
  if (pattern === undefined) return searchable.some((text) => text.includes(term));
  const isWord = new RegExp(pattern, "u");
  return searchable.some((text) => isWord.test(text));
}
