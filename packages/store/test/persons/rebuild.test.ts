import { fold, fromLog, parseJson, type JsonObject } from "@dossier/events";
import { encode, scenario, payload } from "@dossier/simulator";
import { beforeEach, describe, expect, test } from "vitest";
import { transaction } from "../../src/database/transaction.ts";
import { isOutage, openPool, rebuild, settle, verifyEvidence, type RebuildChange } from "../../src/index.ts";
import { foldPersons } from "../../src/persons/fold-log.ts";
import { chunks, openTransaction, tamper, useRecord, waitForLock } from "../database.ts";
import { createLogin } from "../fixtures.ts";

const database = useRecord({ start: "sample" });

const PERSONS = "select * from natural_persons order by entity_id";
const SEARCH = "select * from person_search order by entity_id";

/** All properties of the projection's tables except their rows. */
const STRUCTURE = `
  select 'column' as what, table_name, column_name as name, concat_ws(' ', ordinal_position, data_type, collation_name, is_nullable, column_default) as definition
    from information_schema.columns where table_schema = 'public' and table_name in ('natural_persons', 'person_search')
  union all select 'statistics', attrelid::regclass::text, attname, attstattarget::text from pg_attribute
    where attrelid in ('natural_persons'::regclass, 'person_search'::regclass) and attstattarget is not null
  union all select 'comment', c.relname, a.attname, col_description(c.oid, a.attnum) from pg_class c join pg_attribute a on attrelid = c.oid
    where c.oid in ('natural_persons'::regclass, 'person_search'::regclass) and attnum > 0
  union all select 'table comment', relname, relowner::regrole::text, obj_description(oid, 'pg_class') from pg_class
    where oid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'options', relname, array_to_string(reloptions, ','), array_to_string(array(select unnest(relacl)::text order by 1), ',') from pg_class
    where oid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'index', tablename, indexname, indexdef from pg_indexes where schemaname = 'public' and tablename in ('natural_persons', 'person_search')
  union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger
    where tgrelid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'schema', nspname, '', '' from pg_namespace where nspname like 'dossier%'
  order by 1, 2, 3, 4`;

/** Rebuilds, or says what a rebuild would do. Returns how it changes persons. */
async function rebuildAndListChanges({ dryRun = false } = {}): Promise<RebuildChange[]> {
  const changes: RebuildChange[] = [];
  await rebuild(database.url, { dryRun, onChange: (change) => void changes.push(change) });
  return changes;
}

describe("a rebuild", () => {
  test("by the same code changes no byte", async () => {
    const [persons, search] = [await database.rows(PERSONS), await database.rows(SEARCH)];
    const rebuilt = await rebuild(database.url);
    expect(rebuilt).toMatchObject({ persons: persons.length, added: 0, changed: 0, removed: 0 });
    expect(await database.rows(PERSONS)).toEqual(persons);
    expect(await database.rows(SEARCH)).toEqual(search);
  });

  test("finds no difference in persons who were appended to, whose rows this code made", async () => {
    const persons = await transaction(database.pool, async (connection) =>
      Array.fromAsync(foldPersons(connection, 0n)),
    );
    expect(persons.flat().length).toBeGreaterThan(0);
    for (const { folded, live } of persons.flat()) expect(live).toEqual(folded);
  });

  test("keeps names, indexes, triggers, grants, owner and options of the tables", async () => {
    await tamper(
      database.pool,
      "alter table natural_persons set (fillfactor = 71)",
      "comment on table natural_persons is 'a comment'",
      "grant select on natural_persons to public",
    );
    const before = await database.rows(STRUCTURE);
    await rebuild(database.url);
    expect(await database.rows(STRUCTURE)).toEqual(before);
    await rebuild(database.url);
    expect(await database.rows(STRUCTURE)).toEqual(before);
  });

  test("corrects a wrong projection, and reports how each person changes", async () => {
    const persons = await database.rows<{ entity_id: string }>(PERSONS);
    const search = await database.rows(SEARCH);
    const [wrong, missing, same] = persons.map(({ entity_id }) => entity_id);
    await tamper(
      database.pool,
      `update natural_persons set state = replace(state::text, '"status":"', '"status":"x')::json where entity_id = '${wrong}'`,
      `delete from natural_persons where entity_id = '${missing}'`,
      `delete from person_search where entity_id = '${missing}'`,
      `insert into natural_persons select 'nobody', status, review_needed, search, state, last_ticks, last_event, last_id, fold_version
       from natural_persons where entity_id = '${same}'`,
    );
    const dry = await rebuildAndListChanges({ dryRun: true });
    expect(dry.map(({ entityId, kind }) => [entityId, kind])).toEqual(
      [
        [wrong, "changed"],
        [missing, "added"],
        ["nobody", "removed"],
      ].toSorted(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
    );
    expect(dry.find(({ kind }) => kind === "changed")?.differences).toEqual([
      {
        path: "state.status",
        before: expect.stringMatching(/^x/) as unknown,
        after: expect.any(String) as unknown,
      },
    ]);
    expect(await database.rows(PERSONS)).not.toEqual(persons);

    expect(await rebuildAndListChanges()).toEqual(dry);
    expect(await database.rows(PERSONS)).toEqual(persons);
    expect(await database.rows(SEARCH)).toEqual(search);
    expect(await rebuildAndListChanges({ dryRun: true })).toEqual([]);
  });

  test("folds the events of a type that was unknown before", async () => {
    const before = await database.rows(PERSONS);
    await foldWithoutTypes("NaturalPersonAutoApproved", "NaturalPersonManuallyApproved");
    const unrecognised = await database.rows<{ entity_id: string; unrecognised: number }>(
      "select entity_id, (state->>'unrecognisedEvents')::int as unrecognised from natural_persons order by 1",
    );
    const changes = await rebuildAndListChanges();
    expect(await database.rows(PERSONS)).toEqual(before);
    const approved = changes.filter(({ differences }) =>
      differences.some(({ path }) => path === "state.approval"),
    );
    expect(approved.length).toBeGreaterThan(0);
    for (const { entityId, differences } of changes) {
      const count = unrecognised.find((person) => person.entity_id === entityId)?.unrecognised;
      expect(count).toBeGreaterThan(0);
      expect(differences).toContainEqual(
        expect.objectContaining({ path: "state.unrecognisedEvents", before: count }),
      );
    }
  });

  test("uses an event's earliest time, and folds a person with 10,000 events", async () => {
    const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
    const body = (n: number, creationTimeUtc: string) =>
      encode(
        payload({
          event: "NaturalPersonUploadedID",
          id: `${n}`,
          entityId: "long",
          creationTimeUtc,
          data: { sessionId: `${n % 7}` },
        }),
      );
    const bodies = Array.from({ length: 10_000 }, (_, n) => body(n, at(n + 1)));
    bodies.push(body(9_999, at(0)));
    for (const some of chunks(bodies.values(), 2_000)) await database.recordAndSettle(...some);
    const persons = await database.rows(PERSONS);
    await tamper(database.pool, "delete from natural_persons");
    await rebuild(database.url);
    expect(await database.rows(PERSONS)).toEqual(persons);
    const [long] = await database.rows<{ first: string; version: number }>(
      "select state->>'firstEventAt' as first, (state->>'version')::int as version from natural_persons where entity_id = 'long'",
    );
    expect(long).toEqual({ first: "2026-01-01T00:00:00.0000000Z", version: 10_000 });
  });

  test("reports its progress", async () => {
    const reported: object[] = [];
    const { events } = await rebuild(database.url, { onProgress: (progress) => reported.push(progress) });
    expect(reported).toContainEqual({ phase: "folding", events, totalEvents: events });
    expect(reported.at(-1)).toEqual({ phase: "switching", events, totalEvents: events });
  });
});

/** Writes the projection as code that does not know these types would have. */
async function foldWithoutTypes(...types: readonly string[]): Promise<void> {
  const found = await database.rows<{
    entity_id: string;
    event: string;
    id: string;
    ticks: bigint;
    data: string;
  }>(`
    select entity_id, event, id, data, least(ticks, (select min(ticks) from redeliveries
      where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id))) as ticks
    from events`);
  const events = found.map(({ entity_id: entityId, event, id, ticks, data }) =>
    fromLog({
      entityId,
      event: types.includes(event) ? `${event}?` : event,
      id,
      ticks,
      data: parseJson(data) as JsonObject,
    }),
  );
  for (const [entityId, own] of Map.groupBy(events, (event) => event.entityId)) {
    const { state } = fold(entityId, own)!;
    await tamper(
      database.pool,
      `update natural_persons set status = '${state.status}', state = $json$${JSON.stringify(state)}$json$
       where entity_id = '${entityId}'`,
    );
  }
}

describe("while workers write", () => {
  test("the result is that of a fresh fold, and the workers get no errors", async () => {
    const { webhooks } = scenario({ persons: 300, seed: 6, duplicates: 0.3, shuffle: 0.3 });
    const batches = chunks(
      Iterator.from(webhooks).map(({ body }) => body),
      10,
    );
    const pool = openPool(database.url, { name: "worker", size: 2, timeoutMs: 60_000 });
    let rebuilding = true;
    const worker = async () => {
      // Until the rebuilds are over, and some more, on the same connections with their prepared statements.
      for (let after = 0; after < 5; after += rebuilding ? 0 : 1) {
        const { value, done } = batches.next();
        if (done === true) break;
        await database.recordAndSettle(...value);
      }
    };
    const workers = Promise.all([worker(), worker()]);
    for (let i = 0; i < 3; i++) await rebuild(database.url);
    rebuilding = false;
    await workers;
    await pool.end();
    expect(await rebuildAndListChanges({ dryRun: true })).toEqual([]);
    expect((await verifyEvidence(database.pool)).findings).toEqual([]);
    expect(await database.rows("select entity_id, search from natural_persons order by 1")).toEqual(
      await database.rows(SEARCH),
    );
    expect(await database.rows("select entity_id from natural_persons order by 1")).toEqual(
      await database.rows("select entity_id from streams order by 1"),
    );
  });

  test("what is appended after folding has begun is folded too", async () => {
    const bodies = [...scenario({ persons: 20, seed: 7, duplicates: 0.3, shuffle: 1 }).webhooks].map(
      ({ body }) => body,
    );
    const half = bodies.length / 2;
    await database.recordAndSettle(...bodies.slice(0, half));
    const rest = await database.record(...bodies.slice(half));
    await tamper(
      database.pool,
      "delete from natural_persons where entity_id = (select min(entity_id) from natural_persons)",
    );
    // When a change is reported, folding has begun: it reads the rows as of an earlier time.
    const { caughtUp } = await rebuild(database.url, {
      onChange: async () => void (await settle(database.pool, rest, "1")),
    });
    expect(caughtUp).toBeGreaterThan(0);
    expect(await rebuildAndListChanges({ dryRun: true })).toEqual([]);
  });

  test("an append that had begun before the rebuild and commits later is folded too", async () => {
    await tamper(
      database.pool,
      "delete from natural_persons where entity_id = (select min(entity_id) from natural_persons)",
    );
    const [body] = [...scenario({ persons: 1, seed: 8, duplicates: 0, shuffle: 0 }).webhooks].map(
      ({ body }) => body,
    );
    const [deliveryId] = await database.record(body!);
    // It has appended its events, and waits to settle its delivery.
    const holder = await openTransaction(database.pool, "lock table settlements in access exclusive mode");
    const settling = settle(database.pool, [deliveryId!], "1");
    await waitForLock(database.pool, { table: "settlements" });
    const rebuilding = rebuild(database.url);
    await waitForLock(database.pool, { table: "streams" });
    await holder.commit();
    await settling;
    await rebuilding;
    expect(await rebuildAndListChanges({ dryRun: true })).toEqual([]);
  });

  test("a long reader delays the switch, but not the workers", async () => {
    const [body] = [...scenario({ persons: 1, seed: 9, duplicates: 0, shuffle: 0 }).webhooks].map(
      ({ body }) => body,
    );
    const reader = await openTransaction(database.pool, "lock table natural_persons in access share mode");
    const rebuilding = rebuild(database.url);
    await waitForLock(database.pool, { table: "natural_persons" });
    await database.recordAndSettle(body!);
    await reader.commit();
    await rebuilding;
    expect(await rebuildAndListChanges({ dryRun: true })).toEqual([]);
  });
});

describe("an interrupted rebuild", () => {
  let before: readonly object[];
  beforeEach(async () => {
    await tamper(database.pool, "update natural_persons set status = 'x'");
    before = [...(await database.rows(PERSONS)), ...(await database.rows(STRUCTURE))];
  });

  async function expectNothingLeft(): Promise<void> {
    expect([...(await database.rows(PERSONS)), ...(await database.rows(STRUCTURE))]).toEqual(before);
    const { changed } = await rebuild(database.url);
    expect(changed).toBeGreaterThan(0);
    expect(await rebuild(database.url)).toMatchObject({ changed: 0 });
  }

  test.each(["folding", "catching-up", "switching"])(
    "leaves nothing after an abort while %s",
    async (phase) => {
      const abort = new AbortController();
      const phases: string[] = [];
      const rebuilding = rebuild(database.url, {
        signal: abort.signal,
        onProgress: (progress) => {
          phases.push(progress.phase);
          if (progress.phase === phase) abort.abort(new Error("enough"));
        },
      });
      await expect(rebuilding).rejects.toThrow("enough");
      expect(phases.at(-1)).toBe(phase);
      await expectNothingLeft();
    },
  );

  test("leaves nothing after losing its connection while folding", async () => {
    const lost = await rebuild(database.url, { onChange: terminateRebuild }).catch((error: unknown) => error);
    expect(isOutage(lost)).toBe(true);
    await expectNothingLeft();
  });

  test.each(["streams", "natural_persons"])(
    "leaves nothing after losing its connection while waiting for %s",
    async (table) => {
      const holder = await openTransaction(database.pool, `lock table ${table} in row exclusive mode`);
      const lost = rebuild(database.url).catch((error: unknown) => error);
      await waitForLock(database.pool, { table });
      await terminateRebuild();
      expect(isOutage(await lost)).toBe(true);
      await holder.commit();
      await expectNothingLeft();
    },
  );

  test("a second rebuild at the same time throws, and the first goes on", async () => {
    const reader = await openTransaction(database.pool, "lock table natural_persons in access share mode");
    const first = rebuild(database.url);
    await waitForLock(database.pool, { table: "natural_persons" });
    await expect(rebuild(database.url)).rejects.toThrow("another rebuild or a migration is running");
    await reader.commit();
    expect((await first).changed).toBeGreaterThan(0);
  });

  test("a role without the rights gets an error that says so; a dry run needs none", async () => {
    const url = await createLogin(database.url, "reader");
    await expect(rebuild(url)).rejects.toThrow(`role ${new URL(url).username} may not rebuild`);
    expect((await rebuild(url, { dryRun: true })).changed).toBeGreaterThan(0);
  });
});

/** Terminates the rebuild's backend, and waits until it has ended and released its locks. */
async function terminateRebuild(): Promise<void> {
  await database.rows(`select pg_terminate_backend(pid, 60000) from pg_stat_activity
     where application_name = 'dossier-rebuild' and datname = current_database()`);
}
