import { randomUUID } from "node:crypto";
import { scenario } from "@dossier/simulator";
import { openScope } from "@dossier/testing";
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { ROLE_NAMES, type RoleName } from "../../src/database/grants.ts";
import {
  abortBulkAction,
  confirmBulkAction,
  createBulkAction,
  createToken,
  deadLetter,
  decideNextBatch,
  discard,
  dryRunRedrive,
  ensureRoles,
  FEED_START,
  findToken,
  hasUnheldDeliveries,
  listFailingDeliveries,
  listPersonDeliveries,
  readChanges,
  readInstallationId,
  readStats,
  recordFailedAttempt,
  recordQueueMissed,
  recordTokenUse,
  redrive,
  releaseBulkActions,
  removeOldReports,
  removeOldSets,
  restore,
  sealRecords,
  snooze,
  takeDueDeliveries,
  verifyEvidence,
  writeReport,
} from "../../src/index.ts";
import { idsOf, queryAs } from "../database.ts";
import { createLogin, eventBody, migratedDatabase, openRecord, type TestRecord } from "../fixtures.ts";

let owner: TestRecord;
let as: Record<RoleName, TestRecord>;

beforeAll(async () => {
  const scope = openScope();
  const url = await migratedDatabase(scope);
  owner = await openRecord(scope, { url, size: 1 });
  const open = async (role: RoleName) => openRecord(scope, { url: await createLogin(url, role), size: 2 });
  as = {
    ingest: await open("ingest"),
    worker: await open("worker"),
    console: await open("console"),
    reader: await open("reader"),
  };
  return scope.close;
});

const REPORT = {
  version: "test",
  host: "test",
  pid: 1,
  stopped: false,
  pausedBecause: null,
  jobs: 0,
  rate: 0,
  minutes: [{ minute: 1, counts: { "outcome/applied": 1 } }],
};

test("each service may do all that it does", async () => {
  const { ingest, worker, console, reader } = as;
  const { webhooks, conflicts } = scenario({ persons: 5, seed: 1, duplicates: 0.3, shuffle: 0.3 });
  await worker.settle(await ingest.record(...[...webhooks].map(({ body }) => body)));
  const [conflict] = conflicts;
  const [one = "", other = "", stalled = ""] = await ingest.record(
    conflict?.body ?? "",
    "not JSON",
    "stalled",
  );
  const failure = { deliveryId: one, error: "went wrong", stack: undefined, codeVersion: "test" };
  expect(await recordFailedAttempt(worker.pool, failure, [1])).toBe(1);
  await snooze(worker.pool, one, "test");
  await hasUnheldDeliveries(worker.pool);
  await deadLetter(worker.pool, stalled, { reason: "stalled", message: "gave up", issues: [] }, "test");
  expect(idsOf(await worker.settle([one, other]), "dead-lettered")).toHaveLength(2);
  expect(await Array.fromAsync(dryRunRedrive(console.pool, [one]))).toMatchObject([
    { outcome: "dead-lettered" },
  ]);
  const decision = { decidedBy: "Olga", reason: "test" };
  expect(await redrive(console.pool, [one], decision)).toEqual([one]);
  expect(await discard(console.pool, [other], decision)).toEqual([other]);
  expect(await restore(console.pool, [other], decision)).toEqual([other]);
  const bulk = {
    action: "discard",
    filter: { reason: "unparsable" },
    reason: "test",
    createdBy: "Olga",
  } as const;
  const bulkActionId = await createBulkAction(console.pool, bulk);
  await confirmBulkAction(console.pool, bulkActionId, "Olga");
  const holder = randomUUID();
  const batch = await decideNextBatch(console.pool, holder);
  expect(batch?.decided).toMatchObject([{ deliveryId: other }]);
  await recordQueueMissed(console.pool, batch!);
  await releaseBulkActions(console.pool, holder);
  await decideNextBatch(console.pool, holder);
  await abortBulkAction(console.pool, await createBulkAction(console.pool, bulk), "Olga");
  expect((await listPersonDeliveries(console.pool, "a", undefined, { limit: 1 })).deliveries).toEqual([]);
  expect((await listFailingDeliveries(console.pool, {}, { limit: 1 })).deliveries).toEqual([]);
  await takeDueDeliveries(worker.pool, 10);
  expect(idsOf(await worker.settle([one]), "dead-lettered")).toHaveLength(1);
  await sealRecords(worker.pool);
  const page = await readChanges(console.pool, { after: FEED_START, limit: 1 });
  expect(page).toMatchObject({ changes: [{ position: 1n }] });
  await readStats(console.pool);
  for (const [service, { pool }] of Object.entries({ ingest, worker, console })) {
    await readInstallationId(pool);
    const report = { ...REPORT, instanceId: randomUUID(), service };
    for (const jobs of [1, 2]) await writeReport(pool, { ...report, jobs });
  }
  await removeOldReports(worker.pool);
  await removeOldSets(worker.pool);
  for (const { pool } of [console, reader]) expect((await verifyEvidence(pool)).findings).toEqual([]);
});

/** A column of each table of evidence that has no delivery_id. */
const KEYS: Readonly<Record<string, string>> = { seals: "seq", audit_log: "who", reveals: "who" };

/** Who may run each statement, of all four. */
const STATEMENTS: readonly (readonly [statement: string, ...RoleName[]])[] = [
  [
    `insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
    values (gen_random_uuid(), '', '{}', 'signature', '', '')`,
    "ingest",
  ],
  [
    `insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest, received_at)
    values (gen_random_uuid(), '', '{}', 'signature', '', '', '2025-01-01')`,
  ],
  ["select body from deliveries", "worker", "console", "reader"],
  ["select delivery_id from deliveries", ...ROLE_NAMES],
  [
    "insert into open_deliveries (delivery_id, due_at, bytes) values (gen_random_uuid(), now(), 0)",
    "ingest",
    "console",
  ],
  ["update open_deliveries set attempts = 0", "worker"],
  ["delete from open_deliveries", "worker"],
  ["insert into settlements (delivery_id, settled_as) values (gen_random_uuid(), 'applied')", "worker"],
  [
    "insert into settlements (delivery_id, settled_as, settled_at) values (gen_random_uuid(), 'applied', '2025-01-01')",
  ],
  ["update settlements set settled_as = 'discarded'", "console"],
  ["update settlements set settled_at = '2025-01-01'"],
  ["delete from settlements", "console"],
  ["insert into events select * from events where false", "worker"],
  ["insert into redeliveries select * from redeliveries where false", "worker"],
  [
    "insert into appends (append_id, size, statuses, changes_hash) values (1000, 1, '{approved}', '')",
    "worker",
  ],
  [
    "insert into appends (append_id, size, statuses, changes_hash, appended_at) values (1000, 1, '{x}', '', '2025-01-01')",
  ],
  ["update appends set first_position = null", "console"],
  ["update appends set appended_at = '2025-01-01'"],
  ["update appends set statuses = '{approved}'"],
  ["insert into streams values ('x', 1, '')", "worker"],
  ["update streams set seq = seq", "worker"],
  ["update streams set entity_id = 'x'"],
  ["update natural_persons set status = 'approved'", "worker"],
  ["delete from natural_persons"],
  ["insert into person_search values ('x', 'x')", "worker"],
  [
    `insert into failed_attempts (delivery_id, attempt, error, code_version) values (gen_random_uuid(), 1, '', '')`,
    "worker",
  ],
  [
    `insert into failed_attempts (delivery_id, attempt, error, code_version, failed_at)
    values (gen_random_uuid(), 1, '', '', '2025-01-01')`,
  ],
  [
    `insert into dead_letters (delivery_id, reason, message, issues, code_version)
    values (gen_random_uuid(), 'stalled', '', '[]', '')`,
    "worker",
  ],
  [
    `insert into dead_letters (delivery_id, reason, message, issues, code_version, dead_lettered_at)
    values (gen_random_uuid(), 'stalled', '', '[]', '', '2025-01-01')`,
  ],
  [
    `insert into decisions (delivery_id, action, decided_by, reason) values (gen_random_uuid(), 'discard', '', '')`,
    "console",
  ],
  [
    `insert into decisions (delivery_id, action, decided_by, reason, decided_at)
    values (gen_random_uuid(), 'discard', '', '', '2025-01-01')`,
  ],
  ["insert into audit_log (who, action) values ('Eve', 'signed-in')", "console"],
  ["insert into audit_log (action, subject) values ('exported', 'a')", "console", "reader"],
  ["insert into audit_log (who, action, at) values ('Eve', 'signed-in', '2025-01-01')"],
  ["select who from audit_log", "console"],
  ["insert into reveals (session_hash, subject, who, reason) values ('', 'a', 'Eve', '')", "console"],
  [
    `insert into reveals (session_hash, subject, who, reason, revealed_at)
    values ('', 'a', 'Eve', '', '2999-01-01')`,
  ],
  ["select who from reveals", "console"],
  ["insert into seals select * from seals where false", "worker"],
  ["delete from unsealed", "worker"],
  ["insert into rebuilt_persons values (1, 1, 'x', '')"],
  ["select session_hash from sessions", "console"],
  ["insert into sessions (session_hash, bootstrap_hash, created_at) values ('', '', '2999-01-01')"],
  ["update sessions set created_at = '2999-01-01'"],
  [
    "insert into bulk_actions (action, filter, reason, created_by, total) values ('redrive', '{}', '', '', 0)",
    "console",
  ],
  [
    `insert into bulk_actions (action, filter, reason, created_by, total, created_at)
    values ('redrive', '{}', '', '', 0, '2025-01-01')`,
  ],
  ["update bulk_actions set state = 'aborted'", "console"],
  ["update bulk_actions set confirmed_at = '2025-01-01'"],
  ["update bulk_actions set ended_at = '2025-01-01'"],
  ["update bulk_actions set total = 0"],
  ["delete from bulk_actions"],
  [
    `insert into bulk_action_deliveries (bulk_action_id, dead_letter_id, delivery_id)
    values (1000, 1, gen_random_uuid())`,
    "console",
  ],
  ["update bulk_action_deliveries set failure = null", "console"],
  ["update bulk_action_deliveries set delivery_id = gen_random_uuid()"],
  ["delete from bulk_action_deliveries where false", "worker"],
  ["select token_hash from tokens", "console"],
  ["insert into tokens (token_hash, name, role, is_service) values ('', 'Eve', 'admin', false)"],
  ["update tokens set role = 'admin'"],
  ["update tokens set expires_at = null"],
  ["delete from tokens"],
  ["insert into installations (database_identity, installation_id) values ('x', gen_random_uuid())"],
  ["update installations set installation_id = gen_random_uuid()"],
  ["delete from migrations"],
  ["select setval('append_ids', 1)"],
  ["create temporary table deliveries (received_at timestamptz)", "console"],
  ["create table public.other (n int)"],
  ["create schema other"],
  ["create role other"],
  ["create or replace function refuse_change() returns trigger language plpgsql as ''"],
  ["drop function refuse_change cascade"],
  ["set session_replication_role = replica"],
  ["set role postgres"],
  ["set session authorization postgres"],
  ["copy events to program 'cat'"],
  ["select pg_read_file('PG_VERSION')"],
  ["alter role current_user superuser"],
  ...[
    "deliveries",
    "events",
    "redeliveries",
    "failed_attempts",
    "dead_letters",
    "decisions",
    "seals",
    "audit_log",
    "reveals",
  ].flatMap((table) => [
    [`update ${table} set ${KEYS[table] ?? "delivery_id"} = ${KEYS[table] ?? "delivery_id"}`] as const,
    [`delete from ${table}`] as const,
    [`truncate ${table} cascade`] as const,
    [`alter table ${table} disable trigger append_only`] as const,
    [`drop table ${table}`] as const,
  ]),
];

const CASES = STATEMENTS.map(([statement, ...expected]) => ({
  statement,
  expected,
  roles: expected.join(" and ") || "no role",
}));

test.for(CASES)("$roles may run: $statement", async ({ statement, expected }) => {
  const allowed: RoleName[] = [];
  for (const role of ROLE_NAMES) if (await mayRun(as[role], statement)) allowed.push(role);
  expect(allowed).toEqual(expected);
});

const INSUFFICIENT_PRIVILEGE = "42501";

/** Runs a statement, and rolls it back. Returns whether the login may run it. */
async function mayRun({ pool }: TestRecord, statement: string): Promise<boolean> {
  const connection = await pool.connect();
  try {
    await connection.query("begin");
    await connection.query(statement);
    return true;
  } catch (error) {
    if (error instanceof pg.DatabaseError && error.code === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  } finally {
    await connection.query("rollback");
    connection.release();
  }
}

test("every table has its rights, and nothing is granted to anybody else", async () => {
  const others = await owner.rows(
    `select relname, grantee::regrole::text from pg_class, aclexplode(relacl)
     where relnamespace = 'public'::regnamespace and grantee <> relowner
       and grantee not in (select oid from pg_roles where rolname ~ '_role$')`,
  );
  expect(others).toEqual([]);
  const unnamed = await owner.rows(
    `select relname from pg_class
     where relnamespace = 'public'::regnamespace and relkind = 'r'
       and not has_any_column_privilege($1, oid, 'select')`,
    [new URL(as.console.url).username],
  );
  expect(unnamed).toEqual([]);
});

test.for([
  ["received_at", "timestamptz '2025-01-01'"],
  ["delivery_digest", "sha256('')"],
  ["delivery_id", "gen_random_uuid()"],
])("the worker cannot append an event with another %s than its delivery's", async ([column = "", value]) => {
  await as.worker.settle(await as.ingest.record(eventBody(`forged ${column}`)));
  const columns = [
    "entity_id",
    "seq + 1",
    "event",
    "id || 'x'",
    "ticks",
    "data",
    "data_digest",
    "delivery_id",
    "received_at",
    "delivery_digest",
    "hash",
    "append_id",
    "ordinal + 1",
    "recognised",
  ];
  const insert = (selected: readonly string[]) =>
    `insert into events select ${selected.join()} from events where entity_id = 'forged ${column}'`;
  expect(await mayRun(as.worker, insert(columns))).toBe(true);
  const forged = insert(columns.map((each) => (each === column ? String(value) : each)));
  await expect(as.worker.pool.query(forged)).rejects.toThrow("are not those of delivery");
});

test("a service writes no other's reports and counts, and no time of its own", async () => {
  const { ingest, worker } = as;
  const report = { ...REPORT, instanceId: randomUUID(), service: "ingest" };
  await writeReport(ingest.pool, { ...report, jobs: 7 });
  for (const service of ["ingest", "worker"]) {
    await expect(writeReport(worker.pool, { ...report, service })).rejects.toThrow("row-level security");
    await expect(
      worker.pool.query("insert into instance_minutes values (now(), $1, $2, '{}')", [
        "ingest",
        randomUUID(),
      ]),
    ).rejects.toThrow("row-level security");
  }
  const others = `where instance_id = '${report.instanceId}'`;
  expect(await mayRun(worker, `update instances set stopped = true ${others}`)).toBe(false);
  expect(await mayRun(worker, `update instance_minutes set counts = '{}' ${others}`)).toBe(false);
  for (const column of ["started_at", "last_seen_at"]) {
    expect(await mayRun(ingest, `update instances set ${column} = now()`)).toBe(false);
    expect(await mayRun(ingest, `insert into instances (${column}) values (now())`)).toBe(false);
  }
  const seen = `select jobs, last_seen_at::text as at from instances ${others}`;
  const [before] = await ingest.rows<{ at: string }>(seen);
  await writeReport(ingest.pool, report);
  const [after] = await ingest.rows<{ at: string }>(seen);
  expect(after).toMatchObject({ jobs: 0, at: expect.not.stringContaining(before?.at ?? "") });
});

test("when a token was used and a delivery settled is the database's time", async () => {
  const { token, tokenId } = await createToken(owner.pool, { name: "Ada", role: "viewer", isService: false });
  expect(await findToken(as.console.pool, token)).toMatchObject({ name: "Ada" });
  await recordTokenUse(as.console.pool, tokenId);
  const used = await as.console.rows(
    "update tokens set last_used_at = '2025-01-01' returning last_used_at = now() as now",
  );
  expect(used).toEqual([{ now: true }]);
  const [deliveryId = ""] = await as.ingest.record("not JSON");
  await as.worker.settle([deliveryId]);
  expect(
    await as.console.rows(
      "update settlements set settled_as = 'discarded' where delivery_id = $1 returning settled_at = now() as now",
      [deliveryId],
    ),
  ).toEqual([{ now: true }]);
});

test.for(["events", "deliveries", "decisions"])(
  "the owner, too, cannot change or remove rows of %s",
  async (table) => {
    for (const statement of [
      `update ${table} set delivery_id = delivery_id`,
      `delete from ${table} where false`,
      `truncate ${table}`,
    ])
      await expect(owner.pool.query(statement)).rejects.toThrow("is refused: its rows are evidence");
  },
);

test("databases of one server share no role: one's logins cannot connect to the other, nor can anybody else", async (context) => {
  // Both are copies of one database, with its grants.
  const [one, other] = [await migratedDatabase(context), await migratedDatabase(context)];
  const worker = await createLogin(one, "worker");
  const onOther = new URL(worker);
  onOther.pathname = new URL(other).pathname;
  await ensureRoles(other);
  await expect(queryAs(onOther.href, "select")).rejects.toThrow("permission denied for database");
  expect(await queryAs(worker, "select count(*) from events")).toBeDefined();
  const stranger = new URL(one);
  stranger.username = `${stranger.pathname.slice(1)}_stranger`;
  await queryAs(one, `create role ${stranger.username} login password '${stranger.password}'`);
  await expect(queryAs(stranger.href, "select")).rejects.toThrow("permission denied for database");
});

test("rights that an earlier version granted are taken back", async (context) => {
  const url = await migratedDatabase(context);
  const ingest = await createLogin(url, "ingest");
  const { ingest: role } = await ensureRoles(url);
  await queryAs(
    url,
    `grant create on schema public to public; grant select on tokens to public; grant select, update (received_at) on deliveries to "${role}"`,
  );
  await ensureRoles(url);
  await expect(queryAs(ingest, "select body from deliveries")).rejects.toThrow("permission denied");
  await expect(queryAs(ingest, "update deliveries set received_at = now()")).rejects.toThrow(
    "permission denied",
  );
  await expect(queryAs(ingest, "select name from tokens")).rejects.toThrow("permission denied");
  await expect(queryAs(ingest, "create table stray ()")).rejects.toThrow("permission denied");
});
