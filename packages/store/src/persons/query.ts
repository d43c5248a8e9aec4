import type { Person, Status } from "@dossier/events";

/** Which persons are meant; what is not given lets all through. */
export interface PersonFilter {
  readonly status?: Status | undefined;
  /** A part of the name, the e-mail or the id, whatever the case. */
  readonly q?: string | undefined;
}

export interface PersonPage {
  /** By entity id. */
  readonly persons: readonly Person[];
  /** The next page's `after`; `undefined` when there is none. The last page may be empty. */
  readonly next: string | undefined;
}

/** A pattern of SQL's `like` for what contains this text: nothing in it stands for something else. */
export function containing(text: string): string {
  return `%${searchable(text).replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

/** Whether a file is one of those that a filter means. */
export function matches(person: Person, { status, q }: PersonFilter): boolean {
  if (status !== undefined && person.status !== status) return false;
  if (q === undefined) return true;
  const part = searchable(q);
  return [person.name, person.email, person.entityId].some(
    (text) => text !== null && searchable(text).includes(part),
  );
}

/** Whether anyone may have this id: Postgres throws at a NUL in a text, and no id has one. */
export function couldBeId(entityId: string): boolean {
  return !entityId.includes("\0");
}

/** As `natural_persons.search` has texts. Postgres' `text` holds neither a NUL nor half a surrogate pair. */
export function searchable(text: string): string {
  return text.toLowerCase().toWellFormed().replaceAll("\0", "\uFFFD");
}
