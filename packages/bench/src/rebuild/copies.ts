import pg from "pg";

const COPIED: Readonly<Record<string, string>> = {
  streams: "seq, hash",
  events:
    "seq, event, id, ticks, data, data_digest, delivery_id, received_at, delivery_digest, hash, append_id, ordinal, recognised",
  redeliveries: "seq, event, id, ticks, delivery_id, received_at, delivery_digest, hash, append_id, ordinal",
  natural_persons: "status, review_needed, search, state, last_ticks, last_event, last_id, fold_version",
};

/** What of a row names its person. */
const NAMED: Readonly<Record<string, string>> = {
  search: "replace(search, entity_id, copy)",
  state: "replace(state::text, entity_id, copy)::json",
};

/**
 * Returns the URL of a database that has a log and its persons so many times, each time under other ids: to settle as
 * many webhooks would take hours. Hashes are copied as they are, as a rebuild reads none.
 */
export async function copyLog(url: string, copies: number): Promise<string> {
  if (copies === 1) return url;
  const copied = new URL(url);
  copied.pathname = `copies-${copies}`;
  const name = pg.escapeIdentifier(copied.pathname.slice(1));
  const template = pg.escapeIdentifier(new URL(url).pathname.slice(1));
  // A database cannot be copied while somebody is connected to it.
  const elsewhere = new URL(url);
  elsewhere.pathname = "template1";
  await run(elsewhere.href, [
    `drop database if exists ${name}`,
    `create database ${name} template ${template}`,
  ]);
  const inserts = Object.entries(COPIED).map(([table, columns]) => {
    const values = columns
      .split(", ")
      .map((column) => NAMED[column] ?? column)
      .join();
    return `insert into ${table} (entity_id, ${columns})
      select copy, ${values} from ${table}, generate_series(2, ${copies}) as _ (n),
        lateral (select md5(entity_id || n)::uuid::text as copy) as ids`;
  });
  // Without triggers, which would look for deliveries, and write the persons' copies that are searched.
  await run(copied.href, [
    "set session_replication_role = replica",
    ...inserts,
    "vacuum (freeze, analyze)",
    "checkpoint",
  ]);
  return copied.href;
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
