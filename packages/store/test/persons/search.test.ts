import { toSearchable, type Person } from "@dossier/events";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countPersons, listPersons, openPool } from "../../src/index.ts";
import { isSelected } from "../../src/persons/selection.ts";
import { useRecord } from "../database.ts";

const database = useRecord({ start: "empty" });

const CHARACTERS = Array.from("abAB19éß李小한ж😀 .@-_%\\(+{^'");
const text = fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 8 });
const term = fc.string({ unit: fc.constantFrom(...CHARACTERS), minLength: 1, maxLength: 3 });

/** A connection that reads person_search by its indexes alone. */
const INDEX_ALONE = "-c enable_seqscan=off -c enable_indexscan=off";

test("a search of up to three characters finds whom a plain scan finds, by the index too", async () => {
  const persons = fc
    .sample(fc.record({ name: fc.option(text), email: fc.option(text) }), { numRuns: 100, seed: 1 })
    .map((person, n) => ({ ...person, entityId: `p-${n + 100}`, status: "pending" }) as unknown as Person);
  await database.rows(
    `insert into natural_persons
     select entity_id, 'pending', false, search, state, 0, '', '', 1
     from unnest($1::text[], $2::text[], $3::json[]) as _ (entity_id, search, state)`,
    [
      persons.map(({ entityId }) => entityId),
      persons.map(({ name, email, entityId }) =>
        [name, email, entityId]
          .filter((part) => part !== null)
          .map(toSearchable)
          .join("\n"),
      ),
      persons.map((person) => JSON.stringify({ ...person, identityDocuments: [], supportingDocuments: [] })),
    ],
  );
  const url = new URL(database.url);
  url.searchParams.set("options", INDEX_ALONE);
  const indexAlone = openPool(url.href, { name: "test", size: 2 });
  const run = fc.asyncProperty(term, async (q) => {
    const expected = persons.filter((person) => isSelected(person, { q })).map(({ entityId }) => entityId);
    for (const pool of [database.pool, indexAlone]) {
      const found = await listPersons(pool, { q }, { limit: 100 });
      expect(found.persons.map(({ entityId }) => entityId)).toEqual(expected);
      expect(await countPersons(pool, { q })).toEqual({ count: expected.length, isMore: false });
    }
  });
  try {
    await fc.assert(run, { numRuns: 100 });
  } finally {
    await indexAlone.end();
  }
});
