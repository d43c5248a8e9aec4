// How long queries take on a record of many persons with up to 7 events each, on a Postgres of its own.
//
//   node bootstrap.mjs node packages/store/bench/read.ts --persons 1000000 --events 1
import { parseArgs } from "node:util";
import { startPostgres } from "@dossier/embedded";
import { parseTicks } from "@dossier/events";
import {
  countPersons,
  listPersons,
  migrate,
  openPool,
  readChanges,
  readStats,
  type ChangeFilter,
  type Pool,
} from "../src/index.ts";

const { values } = parseArgs({
  options: {
    persons: { type: "string", default: "150000" },
    events: { type: "string", default: "7" },
  },
});
const persons = Number(values.persons);
const eventsEach = Number(values.events);

const postgres = await startPostgres();
try {
  await migrate(postgres.url);
  const pool = openPool(postgres.url, { name: "bench", size: 8, timeoutMs: 3_600_000 });
  await fill(pool);
  await measureQueries(pool);
  await pool.end();
} finally {
  await postgres.stop();
}

async function measureQueries(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ search: string; entity_id: string }>(
    "select search, entity_id from natural_persons offset 777 limit 1",
  );
  const { search = "", entity_id: entityId = "" } = rows[0] ?? {};
  const page = { limit: 50 };
  const list = (filter: Parameters<typeof listPersons>[1]) => () => listPersons(pool, filter, page);
  await measure("list, first page", list({}));
  await measure("list, by status", list({ status: "approved" }));
  await measure("q: a whole name", list({ q: search.split("\n")[0] }));
  await measure("q: a part of an id", list({ q: entityId.slice(3, 13) }));
  await measure("q: in most persons (.example)", list({ q: ".example" }));
  await measure("q: in no person", list({ q: "qqqqq" }));
  await measure("q: two letters, in no person", list({ q: "??" }));
  await measure("q: a whole e-mail, as a viewer", list({ whole: search.split("\n")[1] }));
  await measure("list, unknown events", list({ unknownEvents: true }));
  await measure("list, review needed", list({ reviewNeeded: true }));
  const count = (filter: Parameters<typeof listPersons>[1]) => () => countPersons(pool, filter);
  await measure("count, all", count({}));
  await measure("count, by status", count({ status: "approved" }));
  await measure("count, q in most persons", count({ q: ".example" }));
  await measure("count, q of two letters", count({ q: "??" }));
  const asOf = parseTicks("2026-01-05T00:00:00Z");
  await measure("list as of a date, 50 matches", list({ asOf, status: "approved" }));
  await measure("list as of a date, no match", list({ asOf, q: "qqqqq" }));
  await measure("stats", () => readStats(pool));
  const changes = BigInt(persons * eventsEach);
  const read = (position: bigint, filter?: ChangeFilter) => () =>
    readChanges(pool, { after: { position, check: "" }, limit: 500 }, filter);
  await measure("changes, 500 from the middle", read(changes / 2n));
  await measure("changes, of a person who has none", read(changes / 2n, { entityId: "?" }));
  await measure("changes, none new", read(changes));
}

/** Prints the median and the maximum of five runs. */
async function measure(name: string, query: () => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let run = 0; run < 5; run++) {
    const startedAt = performance.now();
    await query();
    times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const [median, max] = [times[2], times[4]].map((ms) => `${ms?.toFixed(1).padStart(8)} ms`);
  process.stdout.write(`${name.padEnd(44)}median ${median}, max ${max}\n`);
}

async function fill(pool: Pool): Promise<void> {
  const startedAt = performance.now();
  const [types, steps] = [
    "array['Pending','StartedIDUpload','UploadedID','UploadedSupportingDocument','UploadedSupportingDocument','UploadedSupportingDocument','ManuallyApproved']",
    "array['pending','id-upload-started','id-uploaded','documents-uploaded','approved']",
  ];
  for (const statement of [
    `create table persons as select n, md5('id' || n)::uuid::text as entity_id,
       initcap(translate(substr(md5('f' || n), 1, 6), '0123456789', 'aeiolnrstm')) || ' '
         || initcap(translate(substr(md5('l' || n % 200000), 1, 8), '0123456789', 'aeiolnrstm')) as name
     from generate_series(1, ${persons}) as n`,
    `insert into natural_persons
     select entity_id, (${steps})[1 + n % 5], n % 500 = 0,
       lower(name || E'\\n' || replace(name, ' ', '.') || n % 1000 || '@mail.example' || E'\\n' || entity_id),
       json_build_object('entityId', entity_id, 'name', name, 'status', (${steps})[1 + n % 5],
         'identityDocuments', '[]'::json, 'supportingDocuments', '[]'::json, 'pad', repeat('x', 500)), 0, '', '', 1
     from persons`,
    `insert into streams select entity_id, ${eventsEach}, '' from persons`,
    `insert into appends (append_id, size, statuses, changes_hash, first_position)
     select n, ${eventsEach}, array_fill('approved'::text, array[${eventsEach}]), '', (n - 1) * ${eventsEach}::bigint + 1 from generate_series(1, ${persons}) as n`,
    `insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
     select md5('d' || n || s)::uuid, '{}', '{}', 'signature', '', ''
     from persons, generate_series(1, ${eventsEach}) as s`,
    // They were received at another time than these say.
    "alter table events disable trigger user",
    `insert into events
     select entity_id, s, 'NaturalPerson' || (${types})[s], s::text,
       (extract(epoch from timestamptz '2026-01-01Z') * 10000000)::bigint + (n % 240 + s * 10) * 36000000000::bigint,
       json_build_object('entityId', entity_id, 'entity', name, 'documentType', 'passport', 'sessionId', '1',
         'supportingDocumentId', s::text, 'entityStatus', 'approved'),
       '', md5('d' || n || s)::uuid, now(), '', '', n, s - 1, true
     from persons, generate_series(1, ${eventsEach}) as s`,
    "drop table persons",
    "vacuum analyze",
  ])
    await pool.query(statement);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  process.stdout.write(`${persons} persons, ${persons * eventsEach} events inserted in ${seconds} s\n`);
}
