import { scenario } from "@dossier/simulator";
import { openScope, startPostgres, type LocalServer } from "@dossier/testing";
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import {
  createToken,
  deadLetter,
  discard,
  ensureServiceLogin,
  listTokens,
  migrate,
  snooze,
  recordFailedAttempt,
  recordTokenUse,
  redrive,
  takeDueDeliveries,
  verifyEvidence,
} from "../../src/index.ts";
import { idsOf } from "../database.ts";
import { openRecord, type TestRecord } from "../fixtures.ts";

// A server of its own: roles belong to all of a server's databases.
let server: LocalServer;
let owner: TestRecord;
let service: TestRecord;
const trickyUser = `o'ser "vice"; drop table events; --`;
const trickyPassword = `p'a"ss\\w$ö:rd@/?%`;

beforeAll(async () => {
  server = await startPostgres({
    settings: { fsync: "off" },
  });
  await migrate(server.url);
  await ensureServiceLogin(server.url, urlOf("dossier", "trial-only"));
  const scope = openScope();
  scope.onTestFinished(() => server.stop());
  owner = await openRecord(scope, { url: server.url, size: 1 });
  service = await openRecord(scope, { url: urlOf("dossier", "trial-only"), size: 4 });
  return scope.close;
});

function urlOf(user: string, password: string, database = "postgres"): string {
  const url = new URL(server.url);
  url.username = encodeURIComponent(user);
  url.password = encodeURIComponent(password);
  url.pathname = database;
  return url.href;
}

async function readRefusal(statement: string, as = service): Promise<string> {
  return as.pool.query(statement).then(
    () => expect.unreachable(`"${statement}" was allowed`),
    (error: pg.DatabaseError) => error.message,
  );
}

async function secondColumnOf(table: string): Promise<string | undefined> {
  const select = "select attname as name from pg_attribute where attrelid = $1::regclass and attnum = 2";
  return (await owner.rows<{ name: string }>(select, [table]))[0]?.name;
}

const evidence = ["deliveries", "events", "redeliveries", "failed_attempts", "dead_letters", "decisions"];
const projection = [
  "open_deliveries",
  "settlements",
  "streams",
  "appends",
  "natural_persons",
  "person_search",
];

test("the services' role may do all that the services do", async () => {
  const { webhooks, conflicts } = scenario({ persons: 5, seed: 1, duplicates: 0.3, shuffle: 0.3 });
  const bodies = [...webhooks].map(({ body }) => body);
  await service.recordAndSettle(...bodies);
  const [conflict] = conflicts;
  const dead = await service.record(conflict?.body ?? "", "not JSON", "stalled");
  const [one = "", other = "", stalled = ""] = dead;
  const failure = { deliveryId: one, error: "went wrong", stack: undefined, codeVersion: "test" };
  expect(await recordFailedAttempt(service.pool, failure, [1])).toBe(1);
  await snooze(service.pool, one, "test");
  await deadLetter(service.pool, stalled, { reason: "stalled", message: "gave up", issues: [] }, "test");
  expect(idsOf(await service.settle([one, other]), "dead-lettered")).toHaveLength(2);
  const decision = { decidedBy: "Olga", reason: "test" };
  expect(await redrive(service.pool, [one], decision)).toEqual([one]);
  expect(await discard(service.pool, [other], decision)).toEqual([other]);
  await takeDueDeliveries(service.pool, 10);
  expect(idsOf(await service.settle([one]), "dead-lettered")).toHaveLength(1);
  expect((await verifyEvidence(service.pool)).findings).toEqual([]);
});

test.for(evidence)("the services' role can neither change nor remove rows of %s", async (table) => {
  const column = await secondColumnOf(table);
  expect(await readRefusal(`update ${table} set ${column} = ${column}`)).toContain("permission denied");
  expect(await readRefusal(`delete from ${table}`)).toContain("permission denied");
  expect(await readRefusal(`truncate ${table}`)).toContain("permission denied");
  expect(await readRefusal(`truncate ${table} cascade`)).toContain("permission denied");
  expect(await readRefusal(`select from ${table} for update`)).toContain("permission denied");
});

test("the services' role cannot change an event by way of an insert", async () => {
  const again = "insert into events select * from events limit 1 on conflict";
  expect(await readRefusal(`${again} (entity_id, seq) do update set ticks = 0`)).toContain(
    "permission denied",
  );
  expect(
    await readRefusal(
      "merge into events using streams using_streams on true when matched then update set ticks = 0",
    ),
  ).toContain("permission denied");
});

test("the services' role may read tokens and record their last use, and neither create nor change one", async () => {
  await createToken(owner.pool, { name: "Ada", role: "viewer", isService: false });
  const [ada] = await listTokens(service.pool);
  await recordTokenUse(service.pool, ada?.tokenId ?? 0);
  expect(await listTokens(service.pool)).toMatchObject([{ name: "Ada", lastUsedAt: expect.any(String) }]);
  for (const statement of [
    "insert into tokens (token_hash, name, role, is_service) values ('', 'Eve', 'admin', false)",
    "update tokens set role = 'admin'",
    "update tokens set expires_at = null",
    "update tokens set revoked_at = null",
    "delete from tokens",
  ]) {
    expect(await readRefusal(statement)).toContain("permission denied");
  }
});

test.for([...evidence, ...projection])(
  "the services' role cannot alter, drop or own %s, or disable its triggers",
  async (table) => {
    for (const statement of [
      `alter table ${table} disable trigger all`,
      `alter table ${table} disable trigger append_only`,
      `alter table ${table} add column more text`,
      `alter table ${table} owner to current_user`,
      `alter table ${table} rename to other`,
      `alter table ${table} enable row level security`,
      `drop table ${table}`,
      `create rule ignore_insert as on insert to ${table} do instead nothing`,
      `create index on ${table} ((1))`,
    ]) {
      expect(await readRefusal(statement)).toContain("must be owner");
    }
    expect(
      await readRefusal(
        `create trigger ignore_insert before insert on ${table} execute function suppress_redundant_updates_trigger()`,
      ),
    ).toMatch(/permission denied|must be owner/);
  },
);

test.for([
  "set session_replication_role = replica",
  "set role postgres",
  "set session authorization postgres",
  "alter role dossier superuser",
  "alter role dossier_service superuser",
  "create role other",
  "grant postgres to dossier",
  "drop function refuse_change cascade",
  "create or replace function refuse_change() returns trigger language plpgsql as ''",
  "create table public.other (n int)",
  "create schema other",
  "select setval('append_ids', 1)",
  "alter sequence append_ids restart",
  "update appends set size = 1",
  "delete from appends",
  "delete from streams",
  "delete from migrations",
  "copy events to program 'cat'",
  "select pg_read_file('PG_VERSION')",
  "reassign owned by postgres to dossier",
])("services may not: %s", async (statement) => {
  expect(await readRefusal(statement)).toMatch(
    /permission denied|must be|not permitted|cannot be set|Only roles/i,
  );
});

test("the services' role cannot grant itself rights", async () => {
  await service.pool.query("grant update, delete, truncate, trigger on events to dossier");
  const granted = "select has_table_privilege('events', 'update, delete, truncate, trigger') as granted";
  expect(await service.rows(granted)).toEqual([{ granted: false }]);
});

test("the services' role may change the head of a stream; verify reports it", async () => {
  const [head] = await owner.rows<{ entity_id: string; seq: bigint }>(
    "select entity_id, seq from streams limit 1",
  );
  await service.pool.query("update streams set seq = seq - 1 where entity_id = $1", [head?.entity_id]);
  const { findings } = await verifyEvidence(service.pool);
  expect(findings.map(({ check }) => check)).toEqual(["head"]);
  await service.pool.query("update streams set seq = $2 where entity_id = $1", [head?.entity_id, head?.seq]);
  expect((await verifyEvidence(service.pool)).findings).toEqual([]);
});

test.for(evidence)("the owner, too, can neither change nor remove rows of %s", async (table) => {
  const column = await secondColumnOf(table);
  for (const statement of [
    `update ${table} set ${column} = ${column}`,
    `update ${table} set ${column} = ${column} where false`,
    `delete from ${table}`,
    `truncate ${table}`,
  ]) {
    expect(await readRefusal(statement, owner)).toContain("is refused: its rows are evidence");
  }
});

async function queryAs(statement: string, url: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows[0];
  } finally {
    await client.end();
  }
}

test("a login of any name and password is created once, and then gets its new password", async () => {
  const url = urlOf(trickyUser, trickyPassword);
  await ensureServiceLogin(server.url, url);
  await ensureServiceLogin(server.url, urlOf(trickyUser, "next"));
  await Promise.all([1, 2, 3].map(() => ensureServiceLogin(server.url, url)));
  expect(
    await queryAs("select current_user as me, pg_has_role('dossier_service', 'member') as member", url),
  ).toEqual({
    me: trickyUser,
    member: true,
  });
  const [stored] = await owner.rows(
    "select rolpassword, rolsuper, rolcreaterole, rolcreatedb from pg_authid where rolname = $1",
    [trickyUser],
  );
  expect(stored).toMatchObject({ rolsuper: false, rolcreaterole: false, rolcreatedb: false });
  expect(stored).toMatchObject({ rolpassword: expect.stringMatching(/^SCRAM-SHA-256\$4096:/) as string });
});

test("only the password that was set last is accepted", async () => {
  const user = "renewed";
  await ensureServiceLogin(server.url, urlOf(user, "first"));
  await ensureServiceLogin(server.url, urlOf(user, trickyPassword));
  expect(await queryAs("select 1 as one", urlOf(user, trickyPassword))).toEqual({ one: 1 });
  await expect(queryAs("select 1", urlOf(user, "first"))).rejects.toThrow("password authentication failed");
});

test("if both URLs name one role, nothing is done, and no server is contacted", async () => {
  const nowhere = (password: string) => `postgres://owner:${password}@127.0.0.1:1/dossier`;
  await expect(ensureServiceLogin(nowhere("a"), nowhere("b"))).resolves.toBeUndefined();
});

test("a role with the owner's rights is refused", async () => {
  await owner.pool.query("create role boss superuser");
  await owner.pool.query("create role deputy in role postgres");
  for (const user of ["boss", "deputy"]) {
    await expect(ensureServiceLogin(server.url, urlOf(user, "x"))).rejects.toThrow("append-only");
    const [role] = await owner.rows("select rolcanlogin from pg_roles where rolname = $1", [user]);
    expect(role).toEqual({ rolcanlogin: false });
  }
});

test("an owner who is no superuser can create the login, also if public's rights were revoked", async () => {
  await owner.pool.query("create role database_owner login createrole password 'secret'");
  await owner.pool.query("grant dossier_service to database_owner with admin option");
  await owner.pool.query("create database hardened owner database_owner");
  await owner.pool.query("revoke all on database hardened from public");
  const databaseOwner = urlOf("database_owner", "secret", "hardened");
  await migrate(databaseOwner);
  const superuser = urlOf("postgres", new URL(server.url).password, "hardened");
  await queryAs("revoke all on schema public from public", superuser);
  const service = urlOf("service", "secret", "hardened");
  await ensureServiceLogin(databaseOwner, service);
  expect(await queryAs("select count(*)::int as events from events", service)).toEqual({ events: 0 });
});

test("no error contains the password", async () => {
  await owner.pool.query("create role unprivileged login password 'secret'");
  const error = await ensureServiceLogin(
    urlOf("unprivileged", "secret"),
    urlOf("dossier", "s3cret-word"),
  ).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(pg.DatabaseError);
  expect(JSON.stringify(error) + String(error) + String((error as Error).stack)).not.toContain("s3cret-word");
});
