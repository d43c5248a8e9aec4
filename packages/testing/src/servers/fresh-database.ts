import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { sharedUrl } from "./needs.ts";

export interface Database {
  /** Of its owner, a superuser. */
  url: string;
  drop(): Promise<void>;
}

/** Brings a database to the state that tests start from. */
export interface Template {
  /** Made once in a run for each name, then copied. */
  name: string;
  make(url: string): Promise<unknown>;
}

/** A new database on the run's shared Postgres: empty, or a copy of a template. */
export async function freshDatabase(template?: Template): Promise<Database> {
  const server = await sharedUrl("postgres");
  const source = template && (await madeTemplate(server, template));
  const name = `${await prefix()}_${randomBytes(6).toString("hex")}`;
  await query(server, `create database ${name}${source === undefined ? "" : ` template ${source}`}`);
  return {
    url: databaseUrl(server, name),
    drop: () => query(server, `drop database if exists ${name} with (force)`),
  };
}

/** Makes the template unless some test of this run has made it; those that come meanwhile wait. */
async function madeTemplate(server: string, { name, make }: Template): Promise<string> {
  const made = `${await prefix()}_template_${name}`;
  const draft = `${made}_draft`;
  await connected(server, async (client) => {
    await client.query("select pg_advisory_lock(hashtext($1))", [made]);
    const { rowCount } = await client.query("select from pg_database where datname = $1", [made]);
    if (rowCount) return;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await make(databaseUrl(server, draft));
    await client.query(`alter database ${draft} rename to ${made}`);
  });
  return made;
}

async function prefix(): Promise<string> {
  const { inject } = await import("vitest");
  return `test_${inject("run")}`;
}

/** Removes every database that a run has made. */
export async function dropDatabases(server: string, run: string): Promise<void> {
  await connected(server, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      "select datname from pg_database where starts_with(datname, $1)",
      [`test_${run}_`],
    );
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`);
  });
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = name;
  return url.href;
}

function query(server: string, statement: string): Promise<void> {
  return connected(server, async (client) => void (await client.query(statement)));
}

async function connected(server: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
