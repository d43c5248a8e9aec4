/** What pages are about: some persons, deliveries and terms of the record. */
export interface Subjects {
  readonly persons: readonly string[];
  readonly deliveries: readonly string[];
  readonly deadLetters: readonly string[];
  readonly terms: Readonly<
    Record<"name" | "part of an id" | "e-mail" | "two letters" | "one letter" | "nobody", readonly string[]>
  >;
}

/** A page as a reader opens it. */
export interface PageVisit {
  readonly name: string;
  readonly path: string;
  /** What a form sends to it, which leads to the page. */
  readonly form?: Readonly<Record<string, string>>;
}

type Pick = <T>(choices: readonly T[]) => T;

/** Returns every page of the console, each about a subject that is picked. */
export function pagesOf(
  { persons, deliveries, deadLetters, terms }: Subjects,
  pick: Pick,
): readonly PageVisit[] {
  const get = (name: string, path: string): PageVisit => ({ name, path });
  const person = `/natural-persons/${encodeURIComponent(pick(persons))}`;
  const deadLetter = pick(deadLetters);
  return [
    get("worklist", "/"),
    get("people", "/natural-persons"),
    get("people, approved", "/natural-persons?status=approved"),
    get("people, pending, review needed", "/natural-persons?status=pending&reviewNeeded=true"),
    get("people, review needed", "/natural-persons?reviewNeeded=true"),
    get("people, unknown events", "/natural-persons?unknownEvents=true"),
    get("people, as of a date", "/natural-persons?asOf=2026-01-20T00:00:00Z"),
    ...Object.entries(terms).map(([name, choices]) => ({
      name: `people, search: ${name}`,
      path: "/natural-persons",
      form: { q: pick(choices) },
    })),
    get("person", person),
    get("person, as of a date", `${person}?asOf=2026-01-20T00:00:00Z`),
    { name: "person, verified", path: `${person}/verify`, form: {} },
    get("deliveries", "/deliveries"),
    get("deliveries, open", "/deliveries?status=open"),
    get("deliveries, duplicates", "/deliveries?status=duplicate"),
    get("deliveries, of a type", "/deliveries?event=NaturalPersonAutoApproved"),
    get("deliveries, of a rare type", "/deliveries?event=SomethingElse"),
    get("deliveries, of a person", `/deliveries?entityId=${encodeURIComponent(pick(persons))}`),
    { name: "deliveries, with a text", path: "/deliveries", form: { text: pick(terms.nobody) } },
    get("delivery", `/deliveries/${pick(deliveries)}`),
    get("dead letters", "/dead-letters"),
    get("dead letters, unparsable", "/dead-letters?reason=unparsable"),
    get("dead letters, discarded", "/dead-letters?status=discarded"),
    get("dead letter", `/deliveries/${deadLetter}`),
    get("dead letter, dry run", `/deliveries/${deadLetter}/redrive`),
    get("failing", "/failing"),
    get("failing, snoozed", "/failing?kind=snoozed"),
    get("bulk actions", "/bulk-actions"),
    get("bulk action", "/bulk-actions/1"),
    get("bulk action, dry run", "/bulk-actions/1/dry-run"),
    get("queue", "/queue"),
    get("audit", "/audit"),
    get("audit, of one", "/audit?who=Ada"),
    get("system", "/system"),
  ];
}
