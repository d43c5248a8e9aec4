/** Upgrades of a database that an older version has left, which `npm run fixture` made. */
import { hash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { scenario } from "@dossier/simulator";
import { freshDatabase, type Scope } from "@dossier/testing";
import { expect, test } from "vitest";
import { ROLE_NAMES } from "../../src/database/grants.ts";
import { MIGRATIONS } from "../../src/database/schema-level.ts";
import {
  createBulkAction,
  confirmBulkAction,
  decideNextBatch,
  exportEvidence,
  FEED_START,
  findPerson,
  listDeadLetters,
  listPersons,
  migrate,
  readChanges,
  readTimeline,
  rebuild,
  sealRecords,
  verifyEvidence,
  type ChangePage,
} from "../../src/index.ts";
import { queryAs } from "../database.ts";
import { eventBody, openRecord, UNPARSABLE_BODY, type TestRecord } from "../fixtures.ts";

const FIXTURES = join(import.meta.dirname, "..", "fixtures");

/** The migrations that the fixture's version had, with their checksums. */
const released = new Map(
  (await readFile(join(FIXTURES, "migrations.sha256"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => line.split("  ").toReversed() as [string, string]),
);

/** Opens a copy of the fixture, before `migrate`. */
async function openFixture(scope: Scope): Promise<TestRecord> {
  const { url, drop } = await freshDatabase();
  scope.onTestFinished(drop);
  const name = new URL(url).pathname.slice(1);
  const dumped = await readFile(join(FIXTURES, "database.sql"), "utf8");
  const roles = ROLE_NAMES.map((role) => `create role ${name}_${role}_role`);
  await queryAs(url, `${roles.join(";")};${dumped.replaceAll(/\bfixture_(?=\w+_role\b)/g, `${name}_`)}`);
  return openRecord(scope, { url });
}

/** What the simulator sent to the fixture, and more. */
const first = scenario({ persons: 6, seed: 7, duplicates: 0.3, shuffle: 0.1 });
const further = scenario({ persons: 5, seed: 8, duplicates: 0.3, shuffle: 0.3 });
const bodiesOf = ({ webhooks }: typeof first) => [...webhooks].map(({ body }) => body);

async function expectPersons({ pool }: TestRecord, ...scenarios: readonly (typeof first)[]): Promise<void> {
  for (const { persons } of scenarios)
    for (const person of persons) expect(await findPerson(pool, person.entityId)).toEqual(person);
}

test("migrations that a version had are never changed, and new ones follow them", async () => {
  const files = (await readdir(MIGRATIONS)).toSorted();
  const checksums = await Promise.all(
    files.map(async (file) => [file, hash("sha256", await readFile(join(MIGRATIONS, file)))] as const),
  );
  expect(checksums.slice(0, released.size)).toEqual([...released]);
});

test("a database of an older version is migrated while webhooks are settled, and then verifies", async (context) => {
  const record = await openFixture(context);
  const files = (await readdir(MIGRATIONS)).toSorted();
  const bodies = bodiesOf(further);
  const half = bodies.length / 2;
  const [{ ran }] = await Promise.all([
    migrate(record.url),
    record.recordAndSettle(...bodies.slice(0, half)),
  ]);
  expect(ran).toEqual(files.slice(released.size).map((file) => file.replace(/\.sql$/, "")));
  await expectPersons(record, first);

  await record.recordAndSettle(...bodies.slice(half), ...bodiesOf(first));
  const open = await record.rows<{ id: string }>("select delivery_id as id from open_deliveries");
  await record.settle(open.map(({ id }) => id));
  await expectPersons(record, first, further);
  expect(await findPerson(record.pool, "still-open")).toMatchObject({ name: "Olga", status: "pending" });
  await sealRecords(record.pool);
  expect(await verifyEvidence(record.pool)).toMatchObject({ findings: [], persons: 13, unsealed: 0 });
});

test("a delivery that was open before the migration keeps its age", async (context) => {
  const record = await openFixture(context);
  const [redriven = ""] = (await listDeadLetters(record.pool, {}, { limit: 1 })).items.map(
    ({ deliveryId }) => deliveryId,
  );
  await queryAs(record.url, OLD_REDRIVE.replaceAll("$1", `'${redriven}'`));
  await migrate(record.url);
  const [age] = await record.rows<{ received: boolean; redriven: boolean }>(
    `select
       bool_and(opened_at = received_at) filter (where delivery_id <> $1) as received,
       bool_and(opened_at = (select max(decided_at) from decisions)) filter (where delivery_id = $1) as redriven
     from open_deliveries join deliveries using (delivery_id)`,
    [redriven],
  );
  expect(age).toEqual({ received: true, redriven: true });
});

/** As the version of the fixture redrives the delivery $1. */
const OLD_REDRIVE = `
  delete from settlements where delivery_id = $1;
  insert into open_deliveries (delivery_id, due_at, bytes) values ($1, now(), 1);
  insert into decisions (delivery_id, action, decided_by, reason) values ($1, 'redrive', 'Ada', 'a test')`;

test("this version goes on while the next one adds columns to every table, and removes its own again", async (context) => {
  const record = await openFixture(context);
  const { url } = record;
  await migrate(url);
  const tables = await record.rows<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'migrations'`,
  );
  const alter = (change: string) =>
    queryAs(url, tables.map(({ name }) => `alter table ${name} ${change}`).join(";"));

  // On the same connections, whose statements are prepared.
  await useEverything(record, 11);
  await alter("add next_version text not null default 'x'");
  await useEverything(record, 12);
  await rebuild(url);
  await alter("drop next_version");
  await useEverything(record, 13);
  await expectPersons(record, first);
  await sealRecords(record.pool);
  expect(await verifyEvidence(record.pool)).toMatchObject({ findings: [] });
});

/** Does what the services do with a record: to new persons, dead letters and reads. */
async function useEverything(record: TestRecord, seed: number): Promise<void> {
  const { pool } = record;
  const sent = scenario({ persons: 3, seed, duplicates: 0.3, shuffle: 0.3 });
  await record.recordAndSettle(...bodiesOf(sent), UNPARSABLE_BODY);
  await record.recordAndExhaust(eventBody(`fails ${seed}`));
  const holder = randomUUID();
  for (const action of ["discard", "restore", "redrive"] as const) {
    const filter = { reason: "unparsable" } as const;
    const id = await createBulkAction(pool, { action, filter, reason: "a test", createdBy: "Ada" });
    await confirmBulkAction(pool, id, "Ada");
    while ((await decideNextBatch(pool, holder))?.decided.length !== 0);
  }
  const open = await record.rows<{ id: string }>("select delivery_id as id from open_deliveries");
  await record.settle(open.map(({ id }) => id));
  await expectPersons(record, sent);
  const { changes } = (await readChanges(pool, { after: FEED_START, limit: 500 })) as ChangePage;
  expect(changes.length).toBeGreaterThan(20);
  expect((await Array.fromAsync(exportEvidence(pool, "still-open", "test"))).length).toBeGreaterThan(3);
  expect(await readTimeline(pool, "still-open", {}, 10)).toMatchObject({ entries: [{ when: "counts" }] });
  expect((await listPersons(pool, { q: "Olga" }, { limit: 9 })).persons).toMatchObject([{ name: "Olga" }]);
  expect((await listDeadLetters(pool, {}, { limit: 9 })).items.length).toBeGreaterThan(3);
}
