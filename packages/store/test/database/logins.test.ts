import { freshDatabase, startPostgres } from "@dossier/testing";
import pg from "pg";
import { expect, test, type TestContext } from "vitest";
import { ensureRoles, migrate } from "../../src/index.ts";
import { queryAs } from "../database.ts";
import { createLogin, migratedDatabase, openRecord } from "../fixtures.ts";

const TRICKY_PASSWORD = `p'a"ss\\w$ö:rd@/?%`;

/** Returns the URL of another login. */
function urlOf(url: string, user: string, password: string): string {
  const login = new URL(url);
  login.username = encodeURIComponent(`${login.pathname.slice(1)}_${user}`);
  login.password = encodeURIComponent(password);
  return login.href;
}

test("a login of any name and password is created once, with its limits", async (context) => {
  const url = await migratedDatabase(context);
  const ingest = urlOf(url, `o'ser "vice"; drop table events; --`, TRICKY_PASSWORD);
  await Promise.all([1, 2, 3].map(() => ensureRoles(url, { ingest })));
  const limits = await queryAs(
    ingest,
    `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
       current_setting('idle_in_transaction_session_timeout') as idle, current_setting('tcp_user_timeout') as answer`,
  );
  expect(limits).toEqual({ statement: "10s", lock: "10s", idle: "10s", answer: "10000" });
  const stored = await queryAs(
    url,
    `select rolpassword, rolsuper, rolcreaterole, rolcreatedb from pg_authid where rolname like current_database() || '_o''ser%'`,
  );
  expect(stored).toEqual({
    rolsuper: false,
    rolcreaterole: false,
    rolcreatedb: false,
    rolpassword: expect.stringMatching(/^SCRAM-SHA-256\$4096:/) as string,
  });
});

test("limits that somebody has set for a login stay, but for those of 0, which are none", async (context) => {
  const url = await migratedDatabase(context);
  const worker = await createLogin(url, "worker");
  const { username, pathname } = new URL(worker);
  const alter = `alter role ${username} in database ${pathname.slice(1)}`;
  await queryAs(
    url,
    `${alter} reset all; ${alter} set lock_timeout = '3s'; ${alter} set statement_timeout = 0;
     alter role ${username} set idle_in_transaction_session_timeout = '4s'`,
  );
  await createLogin(url, "worker");
  const limits = await queryAs(
    worker,
    `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
       current_setting('idle_in_transaction_session_timeout') as idle`,
  );
  expect(limits).toEqual({ statement: "15s", lock: "3s", idle: "4s" });
});

test("an existing login's password is never changed; another one in the URL is an error", async (context) => {
  const url = await migratedDatabase(context);
  await ensureRoles(url, { console: urlOf(url, "console", "first") });
  await expect(ensureRoles(url, { console: urlOf(url, "console", "s3cret-word") })).rejects.toThrow(
    /console".*the server says: password authentication failed.*auth_file/,
  );
  expect(await queryAs(urlOf(url, "console", "first"), "select 1 as one")).toEqual({ one: 1 });
});

test("a password is rotated by a second login", async (context) => {
  const url = await migratedDatabase(context);
  const [before, after] = [urlOf(url, "worker", "first"), urlOf(url, "worker_2", "second")];
  await ensureRoles(url, { worker: before });
  await ensureRoles(url, { worker: after });
  for (const login of [before, after]) await queryAs(login, "select count(*) from events");
  const old = new URL(before).username;
  await queryAs(url, `drop owned by ${old}; drop role ${old}`);
  await ensureRoles(url, { worker: after });
  expect(await queryAs(after, "select count(*)::int as events from events")).toEqual({ events: 0 });
});

test("a login that is the owner, of two services, or that may not log in is refused", async (context) => {
  const url = await migratedDatabase(context);
  await expect(ensureRoles(url, { worker: url })).rejects.toThrow("append-only");
  const same = urlOf(url, "same", "x");
  await expect(ensureRoles(url, { ingest: same, worker: same })).rejects.toThrow("give each its own");
  const group = urlOf(url, "group", "x");
  await queryAs(url, `create role ${new URL(group).username}`);
  await expect(ensureRoles(url, { worker: group })).rejects.toThrow("may not log in");
});

test("a login with more than its role is refused, with the SQL that takes it away", async (context) => {
  const url = await migratedDatabase(context);
  const ingest = await createLogin(url, "ingest");
  const { username: login, pathname } = new URL(ingest);
  const database = pathname.slice(1);
  const { ingest: role, worker } = await ensureRoles(url);
  await queryAs(
    url,
    `alter role ${login} createrole createdb replication bypassrls;
     create role ${database}_deputy in role postgres;
     grant ${database}_deputy, ${worker}, pg_write_all_data to ${login};
     grant ${role} to ${login} with admin option;
     grant pg_read_all_data to ${role};
     create table "Owned" (); alter table "Owned" owner to ${login};
     grant insert on tokens to ${login};
     grant update (name) on tokens to ${login};
     grant select on installations to ${login} with grant option;
     grant create on schema public to ${login};
     grant temporary, connect on database ${database} to ${login};
     grant execute on function pg_read_file(text) to ${login};
     grant set on parameter session_replication_role to ${login}`,
  );
  const error: unknown = await ensureRoles(url, { ingest }).catch((error: unknown) => error);
  const [first, ...sql] = (error as Error).message.split("\n");
  expect(first).toContain(`the login of ingest, "${login}", has more than its role, "${role}": `);
  expect(
    first
      ?.match(/": (.*?)\. Name/)?.[1]
      ?.split(", ")
      .toSorted(),
  ).toEqual(
    [
      ...["createrole", "createdb", "replication", "bypassrls"],
      ...[`${database}_deputy`, worker, "pg_write_all_data", "pg_read_all_data"].map(
        (name) => `membership in ${name}`,
      ),
      `the right to grant ${role}`,
      'ownership of table "Owned"',
      "INSERT on tokens",
      "UPDATE (name) on tokens",
      "SELECT on installations",
      "CREATE on schema public",
      `TEMPORARY on database ${database}`,
      "EXECUTE on routine pg_read_file(text)",
      "SET on parameter session_replication_role",
    ].toSorted(),
  );
  await queryAs(url, sql.join("\n"));
  await ensureRoles(url, { ingest });

  await queryAs(url, `alter role ${login} superuser`);
  await expect(ensureRoles(url, { ingest })).rejects.toThrow(`alter role ${login} nosuperuser;`);
});

test("a service's temporary tables are no reason to refuse its login", async (context) => {
  const url = await migratedDatabase(context);
  const console = await createLogin(url, "console");
  const { pool } = await openRecord(context, { url: console, size: 1 });
  await pool.query("create temporary table copied as select * from deliveries");
  await expect(ensureRoles(url, { console })).resolves.toBeDefined();
});

test.for([
  ["was made with noinherit", "noinherit", ""],
  ["was granted its role with inherit false", "", "with inherit false"],
])("a login that %s gets its role's rights", async ([_how, attribute, option], context) => {
  const url = await migratedDatabase(context);
  const worker = urlOf(url, "worker", "x");
  const { username } = new URL(worker);
  const roles = await ensureRoles(url);
  await queryAs(
    url,
    `create role ${username} login password 'x' ${attribute}; grant ${roles.worker} to ${username} ${option}`,
  );
  await ensureRoles(url, { worker });
  expect(await queryAs(worker, "select count(*)::int as events from events")).toEqual({ events: 0 });
});

/** Creates an empty database of an owner who may not create roles. */
async function databaseOfOwner(context: TestContext, attributes = "") {
  const { url, drop } = await freshDatabase();
  context.onTestFinished(drop);
  const owner = urlOf(url, "owner", "secret");
  const { username } = new URL(owner);
  await queryAs(url, `create role ${username} login password 'secret' ${attributes}`);
  return { url, owner, username, database: new URL(url).pathname.slice(1) };
}

test("an owner who may create roles needs no superuser", async (context) => {
  const { url, owner, username, database } = await databaseOfOwner(context, "createrole");
  await queryAs(url, `alter database ${database} owner to ${username}`);
  const reader = urlOf(url, "reader", "secret");
  await migrate(owner, { reader });
  expect(await queryAs(reader, "select count(*)::int as events from events")).toEqual({ events: 0 });
});

test("an owner who may create nothing gets the SQL to run, after which roles made beforehand work", async (context) => {
  const { url, owner, username } = await databaseOfOwner(context);
  await queryAs(url, `grant create on schema public to ${username}; create extension pg_trgm`);
  const logins = { worker: urlOf(url, "worker", TRICKY_PASSWORD) };
  const error: unknown = await migrate(owner, logins).catch((error: unknown) => error);
  const { message, stack } = error as Error;
  expect(message).toContain("Run it as a role that may");
  expect(`${message}${stack}`).not.toContain("SCRAM");
  const [, ...sql] = message.split("\n");
  await queryAs(url, sql.join("\n").replace("'…'", pg.escapeLiteral(TRICKY_PASSWORD)));

  await migrate(owner, logins);
  expect(await queryAs(logins.worker, "show statement_timeout")).toEqual({ statement_timeout: "15s" });
  await expect(queryAs(logins.worker, "delete from events")).rejects.toThrow("permission denied");
});

test("names of the greatest length give roles of their own", async (context) => {
  const { url, stop } = await startPostgres({ settings: { fsync: "off" } });
  context.onTestFinished(stop);
  const urls = ["1", "2"].map((end) => {
    const long = new URL(url);
    long.pathname = `${"d".repeat(62)}${end}`;
    return long;
  });
  const names = new Set<string>();
  for (const { pathname, href } of urls) {
    await queryAs(url, `create database ${pathname.slice(1)}`);
    const { roles } = await migrate(href);
    for (const role of Object.values(roles)) names.add(role);
  }
  expect(names.size).toBe(8);
});
