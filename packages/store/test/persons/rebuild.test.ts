import { fold, fromLog, parseJson, type JsonObject } from "@dossier/events";
import { encode, scenario, payload } from "@dossier/simulator";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isOutage, openPool, rebuild, settle, verify, type RebuildChange } from "../../src/index.ts";
import { chunks, record, scene, type Scene } from "../evidence/scene.ts";

let given: Scene;
beforeEach(async () => {
  given = await scene();
});
afterEach(() => given.end());

const PERSONS = "select * from natural_persons order by entity_id";
const SEARCH = "select * from person_search order by entity_id";

/** All that tells the projection's tables from others, but what is in them. */
const STRUCTURE = `
  select 'column' as what, table_name, column_name as name, concat_ws(' ', ordinal_position, data_type, collation_name, is_nullable, column_default) as definition
    from information_schema.columns where table_name in ('natural_persons', 'person_search')
  union all select 'comment', c.relname, a.attname, col_description(c.oid, a.attnum) from pg_class c join pg_attribute a on attrelid = c.oid
    where c.oid in ('natural_persons'::regclass, 'person_search'::regclass) and attnum > 0
  union all select 'table comment', relname, relowner::regrole::text, obj_description(oid, 'pg_class') from pg_class
    where oid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'options', relname, array_to_string(reloptions, ','), array_to_string(array(select unnest(relacl)::text order by 1), ',') from pg_class
    where oid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'index', tablename, indexname, indexdef from pg_indexes where tablename in ('natural_persons', 'person_search')
  union all select 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
    where conrelid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger
    where tgrelid in ('natural_persons'::regclass, 'person_search'::regclass)
  union all select 'schema', nspname, '', '' from pg_namespace where nspname like 'dossier%'
  order by 1, 2, 3`;

async function changesOf(rebuilding: (onChange: (change: RebuildChange) => void) => Promise<unknown>) {
  const changes: RebuildChange[] = [];
  await rebuilding((change) => changes.push(change));
  return changes;
}

describe("a rebuild", () => {
  test("by the same code changes not a byte", async () => {
    const [persons, search] = [await given.rows(PERSONS), await given.rows(SEARCH)];
    const rebuilt = await rebuild(given.url);
    expect(rebuilt).toMatchObject({ persons: persons.length, added: 0, changed: 0, removed: 0 });
    expect(await given.rows(PERSONS)).toEqual(persons);
    expect(await given.rows(SEARCH)).toEqual(search);
  });

  test("leaves tables that are like those before: names, indexes, triggers, grants, owner, options", async () => {
    await given.tamper(
      "alter table natural_persons set (fillfactor = 71)",
      "comment on table natural_persons is 'a comment'",
      "grant select on natural_persons to public",
    );
    const before = await given.rows(STRUCTURE);
    await rebuild(given.url);
    expect(await given.rows(STRUCTURE)).toEqual(before);
    await rebuild(given.url);
    expect(await given.rows(STRUCTURE)).toEqual(before);
  });

  test("mends what is wrong in the projection, and tells how each person changes", async () => {
    const persons = await given.rows<{ entity_id: string }>(PERSONS);
    const search = await given.rows(SEARCH);
    const [wrong, missing, same] = persons.map(({ entity_id }) => entity_id);
    await given.tamper(
      `update natural_persons set state = replace(state::text, '"status":"', '"status":"x')::json where entity_id = '${wrong}'`,
      `delete from natural_persons where entity_id = '${missing}'`,
      `delete from person_search where entity_id = '${missing}'`,
      `insert into natural_persons select 'nobody', status, search, state, last_ticks, last_event, last_id
       from natural_persons where entity_id = '${same}'`,
    );
    const dry = await changesOf((onChange) => rebuild(given.url, { dryRun: true, onChange }));
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
    expect(await given.rows(PERSONS)).not.toEqual(persons);

    expect(await changesOf((onChange) => rebuild(given.url, { onChange }))).toEqual(dry);
    expect(await given.rows(PERSONS)).toEqual(persons);
    expect(await given.rows(SEARCH)).toEqual(search);
    expect(await changesOf((onChange) => rebuild(given.url, { dryRun: true, onChange }))).toEqual([]);
  });

  test("folds the events of a type that the code has learned, which were kept and counted before", async () => {
    const learned = await given.rows(PERSONS);
    await unlearn("NaturalPersonAutoApproved", "NaturalPersonManuallyApproved");
    const unknown = await given.rows<{ entity_id: string; unrecognised: number }>(
      "select entity_id, (state->>'unrecognisedEvents')::int as unrecognised from natural_persons order by 1",
    );
    const changes = await changesOf((onChange) => rebuild(given.url, { onChange }));
    expect(await given.rows(PERSONS)).toEqual(learned);
    const approved = changes.filter(({ differences }) =>
      differences.some(({ path }) => path === "state.approval"),
    );
    expect(approved.length).toBeGreaterThan(0);
    for (const { entityId, differences } of changes) {
      const before = unknown.find((person) => person.entity_id === entityId)?.unrecognised;
      expect(before).toBeGreaterThan(0);
      expect(differences).toContainEqual(
        expect.objectContaining({ path: "state.unrecognisedEvents", before }),
      );
    }
  });

  test("counts an event's earliest send, and takes a person of 10,000 events", async () => {
    const at = (n: number) => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();
    const send = (n: number, creationTimeUtc: string) =>
      encode(
        payload({
          event: "NaturalPersonUploadedID",
          id: `${n}`,
          entityId: "long",
          creationTimeUtc,
          data: { sessionId: `${n % 7}` },
        }),
      );
    const bodies = Array.from({ length: 10_000 }, (_, n) => send(n, at(n + 1)));
    bodies.push(send(9_999, at(0)));
    for (const some of chunks(bodies.values(), 2_000))
      await settle(given.pool, await record(given.pool, some), "1");
    const persons = await given.rows(PERSONS);
    await given.tamper("delete from natural_persons");
    await rebuild(given.url);
    expect(await given.rows(PERSONS)).toEqual(persons);
    const [long] = await given.rows<{ first: string; version: number }>(
      "select state->>'firstEventAt' as first, (state->>'version')::int as version from natural_persons where entity_id = 'long'",
    );
    expect(long).toEqual({ first: "2026-01-01T00:00:00.0000000Z", version: 10_000 });
  });

  test("tells how far it is", async () => {
    const told: object[] = [];
    const { events } = await rebuild(given.url, { onProgress: (progress) => told.push(progress) });
    expect(told).toContainEqual({ phase: "folding", events, totalEvents: events });
    expect(told.at(-1)).toEqual({ phase: "switching", events, totalEvents: events });
  });
});

/** The projection as code would have written it that did not know these types. */
async function unlearn(...types: readonly string[]): Promise<void> {
  const rows = await given.rows<{
    entity_id: string;
    event: string;
    id: string;
    ticks: string;
    data: JsonObject;
  }>(`
    select entity_id, event, id, data, least(ticks, (select min(ticks) from redeliveries
      where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id))) as ticks
    from events`);
  const events = rows.map(({ entity_id: entityId, event, id, ticks, data }) =>
    fromLog({
      entityId,
      event: types.includes(event) ? `${event}?` : event,
      id,
      ticks: BigInt(ticks),
      data: parseJson(JSON.stringify(data)) as JsonObject,
    }),
  );
  for (const [entityId, own] of Map.groupBy(events, (event) => event.entityId)) {
    const { state } = fold(entityId, own)!;
    await given.tamper(
      `update natural_persons set status = '${state.status}', state = $json$${JSON.stringify(state)}$json$
       where entity_id = '${entityId}'`,
    );
  }
}

describe("while workers write", () => {
  test("nothing is lost: the rows are those of a fresh fold, and the workers notice nothing", async () => {
    const { webhooks } = scenario({ persons: 300, seed: 6, duplicates: 0.3, shuffle: 0.3 });
    const batches = chunks(
      Iterator.from(webhooks).map(({ body }) => body),
      10,
    );
    const pool = openPool(given.url, { name: "worker", size: 2, timeoutMs: 60_000 });
    let rebuilding = true;
    const worker = async () => {
      // Until the rebuilds are over, and some after, on the same connections with their prepared statements.
      for (let after = 0; after < 5; after += rebuilding ? 0 : 1) {
        const { value, done } = batches.next();
        if (done === true) break;
        await settle(pool, await record(pool, value), "1");
      }
    };
    const workers = Promise.all([worker(), worker()]);
    for (let i = 0; i < 3; i++) await rebuild(given.url);
    rebuilding = false;
    await workers;
    await pool.end();
    expect(await changesOf((onChange) => rebuild(given.url, { dryRun: true, onChange }))).toEqual([]);
    expect((await verify(given.pool)).findings).toEqual([]);
    expect(await given.rows("select entity_id, search from natural_persons order by 1")).toEqual(
      await given.rows(SEARCH),
    );
    expect(await given.rows("select entity_id from natural_persons order by 1")).toEqual(
      await given.rows("select entity_id from streams order by 1"),
    );
  });

  test("what is appended after the folding is caught up with", async () => {
    const bodies = [...scenario({ persons: 20, seed: 7, duplicates: 0.3, shuffle: 1 }).webhooks].map(
      ({ body }) => body,
    );
    const half = bodies.length / 2;
    await settle(given.pool, await record(given.pool, bodies.slice(0, half)), "1");
    const rest = await record(given.pool, bodies.slice(half));
    await given.tamper(
      "delete from natural_persons where entity_id = (select min(entity_id) from natural_persons)",
    );
    // Told of the change, folding has begun: its rows are of a moment before these.
    const { caughtUp } = await rebuild(given.url, {
      onChange: async () => void (await settle(given.pool, rest, "1")),
    });
    expect(caughtUp).toBeGreaterThan(0);
    expect(await changesOf((onChange) => rebuild(given.url, { dryRun: true, onChange }))).toEqual([]);
  });

  test("a transaction that had begun to append before is caught up with", async () => {
    await given.tamper(
      "delete from natural_persons where entity_id = (select min(entity_id) from natural_persons)",
    );
    const [body] = [...scenario({ persons: 1, seed: 8, duplicates: 0, shuffle: 0 }).webhooks].map(
      (send) => send.body,
    );
    const [deliveryId] = await record(given.pool, [body!]);
    // Its events are appended; it waits where it settles its delivery.
    const holder = await given.held("lock table settlements in access exclusive mode");
    const settling = settle(given.pool, [deliveryId!], "1");
    await given.waitingFor("settlements");
    const rebuilding = rebuild(given.url);
    await given.waitingFor("streams");
    await holder.commit();
    await settling;
    await rebuilding;
    expect(await changesOf((onChange) => rebuild(given.url, { dryRun: true, onChange }))).toEqual([]);
  });

  test("a long reader delays the switch, and not the workers", async () => {
    const [body] = [...scenario({ persons: 1, seed: 9, duplicates: 0, shuffle: 0 }).webhooks].map(
      (send) => send.body,
    );
    const reader = await given.held("lock table natural_persons in access share mode");
    const rebuilding = rebuild(given.url);
    await given.waitingFor("natural_persons");
    await settle(given.pool, await record(given.pool, [body!]), "1");
    await reader.commit();
    await rebuilding;
    expect(await changesOf((onChange) => rebuild(given.url, { dryRun: true, onChange }))).toEqual([]);
  });
});

describe("interrupted", () => {
  let before: readonly object[];
  beforeEach(async () => {
    await given.tamper("update natural_persons set status = 'x'");
    before = [...(await given.rows(PERSONS)), ...(await given.rows(STRUCTURE))];
  });

  async function leavesNothing(): Promise<void> {
    expect([...(await given.rows(PERSONS)), ...(await given.rows(STRUCTURE))]).toEqual(before);
    const { changed } = await rebuild(given.url);
    expect(changed).toBeGreaterThan(0);
    expect(await rebuild(given.url)).toMatchObject({ changed: 0 });
  }

  test.each(["folding", "catching-up", "switching"])(
    "by a signal while %s, it leaves nothing",
    async (phase) => {
      const abort = new AbortController();
      const phases: string[] = [];
      const rebuilding = rebuild(given.url, {
        signal: abort.signal,
        onProgress: (progress) => {
          phases.push(progress.phase);
          if (progress.phase === phase) abort.abort(new Error("enough"));
        },
      });
      await expect(rebuilding).rejects.toThrow("enough");
      expect(phases.at(-1)).toBe(phase);
      await leavesNothing();
    },
  );

  test("by the loss of its connection while it folds, it leaves nothing", async () => {
    const lost = await rebuild(given.url, { onChange: kill }).catch((error: unknown) => error);
    expect(isOutage(lost)).toBe(true);
    await leavesNothing();
  });

  test.each(["streams", "natural_persons"])(
    "by the loss of its connection while it waits for %s, it leaves nothing",
    async (table) => {
      const holder = await given.held(`lock table ${table} in row exclusive mode`);
      const lost = rebuild(given.url).catch((error: unknown) => error);
      await given.waitingFor(table);
      await kill();
      expect(isOutage(await lost)).toBe(true);
      await holder.commit();
      await leavesNothing();
    },
  );

  test("a second one at the same time says so, and the first goes on", async () => {
    const reader = await given.held("lock table natural_persons in access share mode");
    const first = rebuild(given.url);
    await given.waitingFor("natural_persons");
    await expect(rebuild(given.url)).rejects.toThrow("another rebuild or a migration is running");
    await reader.commit();
    expect((await first).changed).toBeGreaterThan(0);
  });

  test("a role that may not says which right it lacks; a dry run needs none", async () => {
    const role = `rebuilder_${process.pid}`;
    await given.tamper(`create role ${role} login password 'secret' in role dossier_service`);
    const url = new URL(given.url);
    url.username = role;
    url.password = "secret";
    try {
      await expect(rebuild(url.href)).rejects.toThrow(`role ${role} may not rebuild`);
      expect((await rebuild(url.href, { dryRun: true })).changed).toBeGreaterThan(0);
    } finally {
      await given.tamper(`drop role ${role}`);
    }
    await leavesNothing();
  });
});

/** Resolves when it is gone with its locks, and not only when it was told to go. */
async function kill(): Promise<void> {
  await given.rows(
    `select pg_terminate_backend(pid, 60000) from pg_stat_activity
     where application_name = 'dossier-rebuild' and datname = current_database()`,
  );
}
