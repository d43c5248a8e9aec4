import type { Pool } from "@dossier/store";
import type { Subjects } from "./pages.ts";

const SAMPLED = 200;

/** Picks what readers look at from a seeded record. */
export async function readSubjects(pool: Pool): Promise<Subjects> {
  const column = async (query: string): Promise<string[]> => {
    const { rows } = await pool.query<{ value: string }>(
      `select value from (${query} limit ${SAMPLED}) as _ (value)`,
    );
    return rows.map(({ value }) => value);
  };
  const persons = await pool.query<{ entity_id: string; search: string }>(
    `select entity_id, search from natural_persons tablesample bernoulli (1) repeatable (1) limit ${SAMPLED}`,
  );
  const found =
    persons.rows.length > 0
      ? persons.rows
      : ((await pool.query("select entity_id, search from natural_persons")).rows as typeof persons.rows);
  const lines = found.map(({ search }) => search.split("\n"));
  return {
    persons: found.map(({ entity_id }) => entity_id),
    deliveries: await column("select delivery_id::text from deliveries order by digest"),
    deadLetters: await column("select delivery_id::text from settlements where settled_as = 'dead-lettered'"),
    terms: {
      name: lines.map(([name = ""]) => name),
      "part of an id": found.map(({ entity_id }) => entity_id.slice(2, 10)),
      "e-mail": lines.flatMap((own) => own.filter((line) => line.includes("@"))),
      "two letters": ["jo", "an", "pe", "qx"],
      "one letter": ["a", "j", "q", "ж"],
      nobody: ["nobody has this", "zzzzqqq"],
    },
  };
}
