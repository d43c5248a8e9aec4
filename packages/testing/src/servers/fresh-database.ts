import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";
import { sharedUrl } from "./shared.ts";

export interface FreshDatabase {
  /** As its owner, a superuser. */
  url: string;
  /** Also drops the roles whose names begin with the database's. */
  drop(): Promise<void>;
}

/** The state that tests start from. */
export interface Template {
  /** Each name is made once in a run, then copied. */
  name: string;
  make(url: string): Promise<unknown>;
}

/** Creates a database on the shared Postgres: an empty one, or a copy of a template. */
export async function freshDatabase(template?: Template): Promise<FreshDatabase> {
  const server = sharedUrl("postgres");
  const source = template && (await ensureTemplate(server, template));
  const name = `${prefixOf(inject("run"))}${randomBytes(6).toString("hex")}`;
  // Copied as files, which takes half the processor time of the default, the write-ahead log.
  await query(
    server,
    `create database ${name}${source === undefined ? "" : ` template ${source} strategy file_copy`}`,
  );
  return {
    url: databaseUrl(server, name),
    drop: () =>
      withClient(server, async (client) => {
        await client.query(`drop database if exists ${name} with (force)`);
        await dropRoles(client, `${name}_`);
      }),
  };
}

/** Makes the template unless another test of this run has made it. Tests that need it meanwhile wait. */
async function ensureTemplate(server: string, { name, make }: Template): Promise<string> {
  const template = `${prefixOf(inject("run"))}template_${name}`;
  const draft = `${template}_draft`;
  await withClient(server, async (client) => {
    await client.query("select pg_advisory_lock(hashtext($1))", [template]);
    const { rowCount } = await client.query("select from pg_database where datname = $1", [template]);
    if (rowCount) return;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await make(databaseUrl(server, draft));
    await client.query(`alter database ${draft} rename to ${template}`);
  });
  return template;
}

/** Drops every database and role that a run has created. */
export async function dropDatabases(server: string, run: string): Promise<void> {
  await withClient(server, async (client) => {
    const { rows } = await client.query<{ datname: string }>(
      "select datname from pg_database where starts_with(datname, $1)",
      [prefixOf(run)],
    );
    for (const { datname } of rows) await client.query(`drop database ${datname} with (force)`);
    await dropRoles(client, prefixOf(run));
  });
}

async function dropRoles(client: Client, prefix: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    "select quote_ident(rolname) as name from pg_roles where starts_with(rolname, $1)",
    [prefix],
  );
  if (rows.length > 0) await client.query(`drop role ${rows.map(({ name }) => name).join()}`);
}

function prefixOf(run: string): string {
  return `test_${run}_`;
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = name;
  return url.href;
}

function query(server: string, statement: string): Promise<void> {
  return withClient(server, async (client) => void (await client.query(statement)));
}

async function withClient(server: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await use(client);
  } finally {
    await client.end();
  }
}
