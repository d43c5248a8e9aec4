import type { Pool } from "@dossier/store";

const FIRST = `Mary James Patricia Robert Jennifer John Linda Michael Elizabeth David Barbara William Susan Richard Jessica Joseph
  Sarah Thomas Karen Charles Lisa Christopher Nancy Daniel Betty Matthew Sandra Anthony Margaret Mark Ashley Donald Kimberly
  Steven Emily Andrew Donna Paul Michelle Joshua Carol Kenneth Amanda Kevin Melissa Brian Deborah Timothy Stephanie Ronald
  Zoë José Łukasz Søren Björn Chloé André Noémie Anaïs Ines Fatima Mohammed Ahmed Aisha Omar Leila Wei Li Min Yuki Haruto Sakura
  Priya Arjun Ravi Ananya Olga Ivan Dmitri Svetlana Giulia Marco Luca Sofia Mateo Valentina Santiago Camila`;

const LAST = `Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson
  Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King
  Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Müller Schmidt
  Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Rossi Russo Ferrari Esposito Bianchi Tremblay Gagnon Roy Côté
  Bouchard Gauthier Morin Lavoie Fortin Gagné Kowalski Nowak Wójcik Ivanov Petrov Smirnov Tanaka Suzuki Takahashi Watanabe Patel
  Singh Kumar Sharma Chowdhury Rahman O'Brien O'Connor MacDonald Saint-Pierre Van-den-Berg`;

const DOMAINS =
  "gmail.com outlook.com yahoo.ca hotmail.com icloud.com proton.me mail.example shaw.ca bell.net";
const STATUSES = "pending id-upload-started id-uploaded documents-uploaded approved";

const words = (list: string) => `array['${list.trim().replaceAll("'", "''").split(/\s+/).join("','")}']`;

/** Picks one of a list's words for the person n, by a hash with this salt. */
const pick = (list: string, salt: string) =>
  `(${words(list)})[1 + abs(hashtext(n || '${salt}')) % ${list.trim().split(/\s+/).length}]`;

/**
 * Fills an empty projection with invented persons, as the log is not searched. Every other last name is one of some 100,
 * the others are of syllables, and nearly all differ.
 */
export async function seedPersons(pool: Pool, persons: number): Promise<void> {
  const syllables = (salt: string) =>
    `initcap(${["ba ke lo ri mu ta ne vo si du", "n r l s nd rt st ck m x", "a e i o u y er en in ov"]
      .map((list, n) => pick(list, `${salt}${n}`))
      .join(" || ")} || ${pick("ton sen ski ova man ley ard ini elli dez", `${salt}s`)})`;
  const { rows } = await pool.query<{ definition: string; name: string }>(
    `select pg_get_indexdef(indexrelid) as definition, indexrelid::regclass::text as name
     from pg_index
     where indrelid in ('natural_persons'::regclass, 'person_search'::regclass) and not indisprimary`,
  );
  const statements = [
    ...rows.map(({ name }) => `drop index ${name}`),
    "alter table natural_persons disable trigger user",
    `insert into natural_persons
     select entity_id, status, n % 500 = 0,
       lower(name || E'\\n' || email || E'\\n' || entity_id),
       json_build_object('entityId', entity_id, 'name', name, 'email', email, 'status', status,
         'identityDocuments', '[]'::json, 'supportingDocuments', '[]'::json, 'pad', repeat('x', 400)),
       (extract(epoch from now()) * 10000000)::bigint - n::bigint * 10000000, 'NaturalPersonPending', '1', 1
     from (
       select n, name, md5('id' || n)::uuid::text as entity_id, ${pick(STATUSES, "status")} as status,
         translate(lower(name), ' ''', '.') || n % 1000 || '@' || ${pick(DOMAINS, "domain")} as email
       from (
         select n, ${pick(FIRST, "first")} || ' ' || case n % 2 when 0 then ${pick(LAST, "last")} else ${syllables("l")} end as name
         from generate_series(1, ${persons}) as n
       ) as named
     ) as invented`,
    "insert into person_search (entity_id, search) select entity_id, search from natural_persons",
    "alter table natural_persons enable trigger user",
    "set maintenance_work_mem = '1GB'",
    ...rows.map(({ definition }) => definition),
  ];
  const connection = await pool.connect();
  for (const text of statements)
    await connection.query({ text, query_timeout: 3_600_000 } as { text: string });
  connection.release();
  await pool.query("vacuum (freeze, analyze)");
}
