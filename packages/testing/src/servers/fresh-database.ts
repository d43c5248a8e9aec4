import { randomBytes } from "node:crypto";
import { Pool } from "pg";
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
  const source = template && (await findTemplate(server, template));
  const name = `${prefixOf(inject("run"))}${randomBytes(6).toString("hex")}`;
  // Copied as files, which takes half the processor time of the default, the write-ahead log.
  await onServer(server).query(
    `create database ${name}${source === undefined ? "" : ` template ${source} strategy file_copy`}`,
  );
  return {
    url: databaseUrl(server, name),
    async drop() {
      await onServer(server).query(`drop database if exists ${name} with (force)`);
      await dropRoles(server, `${name}_`);
    },
  };
}

/** Opened once in a process: three connections cost half of what a database does. */
const pools = new Map<string, Pool>();

function onServer(url: string): Pool {
  const opened = pools.get(url);
  if (opened !== undefined) return opened;
  const pool = new Pool({ connectionString: url, max: 2, allowExitOnIdle: true });
  // A connection that breaks while nobody uses it is replaced by the next that is needed.
  pool.on("error", () => undefined);
  pools.set(url, pool);
  return pool;
}

const templates = new Map<string, Promise<string>>();

function findTemplate(server: string, template: Template): Promise<string> {
  const found = templates.get(template.name) ?? ensureTemplate(server, template);
  templates.set(template.name, found);
  return found;
}

/** Makes the template unless another process of this run has made it. Those that need it meanwhile wait. */
async function ensureTemplate(server: string, { name, make }: Template): Promise<string> {
  const template = `${prefixOf(inject("run"))}template_${name}`;
  const draft = `${template}_draft`;
  const client = await onServer(server).connect();
  try {
    await client.query("select pg_advisory_lock(hashtext($1))", [template]);
    const { rowCount } = await client.query("select from pg_database where datname = $1", [template]);
    if (rowCount) return template;
    await client.query(`drop database if exists ${draft} with (force)`);
    await client.query(`create database ${draft}`);
    await make(databaseUrl(server, draft));
    await client.query(`alter database ${draft} rename to ${template}`);
    return template;
  } finally {
    // The lock ends with the connection.
    client.release(true);
  }
}

/** Drops every database and role that a run has created. */
export async function dropDatabases(server: string, run: string): Promise<void> {
  const pool = onServer(server);
  const { rows } = await pool.query<{ datname: string }>(
    "select datname from pg_database where starts_with(datname, $1)",
    [prefixOf(run)],
  );
  for (const { datname } of rows) await pool.query(`drop database ${datname} with (force)`);
  await dropRoles(server, prefixOf(run));
}

async function dropRoles(server: string, prefix: string): Promise<void> {
  const { rows } = await onServer(server).query<{ name: string }>(
    "select quote_ident(rolname) as name from pg_roles where starts_with(rolname, $1)",
    [prefix],
  );
  if (rows.length > 0) await onServer(server).query(`drop role ${rows.map(({ name }) => name).join()}`);
}

function prefixOf(run: string): string {
  return `test_${run}_`;
}

function databaseUrl(server: string, name: string): string {
  const url = new URL(server);
  url.pathname = name;
  return url.href;
}
