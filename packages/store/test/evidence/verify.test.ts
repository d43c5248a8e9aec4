import { scenario } from "@dossier/simulator";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { settle, verify, type Verification } from "../../src/index.ts";
import { chunks, record, scene, type Scene } from "./scene.ts";

let given: Scene;
beforeEach(async () => {
  given = await scene();
});
afterEach(() => given.end());

describe("an untouched record", () => {
  test("verifies, and is counted", async () => {
    const counts = await given.rows(`select
      (select count(*) from streams)::int as persons, (select count(*) from events)::int as events,
      (select count(*) from redeliveries)::int as redeliveries, (select count(*) from deliveries)::int as deliveries`);
    expect(await verify(given.pool)).toEqual({ findings: [], notes: [], ...counts[0] });
  });

  test("verifies for one person alone", async () => {
    const { entity_id: entityId } = await victim("events");
    const [counts] = await given.rows(
      `select (select count(*) from events where entity_id = '${entityId}')::int as events`,
    );
    expect(await verify(given.pool, { entityId })).toMatchObject({ findings: [], persons: 1, ...counts });
  });

  test("tells how far it is", async () => {
    const told: [number, number][] = [];
    const { events, redeliveries } = await verify(given.pool, {
      onProgress: (checked, entries) => told.push([checked, entries]),
    });
    expect(told.at(-1)).toEqual([events + redeliveries, events + redeliveries]);
  });

  test("verifies while workers write", async () => {
    const { webhooks } = scenario({ persons: 40, seed: 5, duplicates: 0.3, shuffle: 0.3 });
    const bodies = Iterator.from(webhooks).map(({ body }) => body);
    const seen: number[] = [];
    for (const some of chunks(bodies, 9)) {
      const ids = await record(given.pool, some);
      const [{ findings, events }] = await Promise.all([
        verify(given.pool),
        settle(given.pool, ids.slice(0, 4), "1.0.0"),
        settle(given.pool, ids.slice(4), "1.0.0"),
      ]);
      expect(findings).toEqual([]);
      seen.push(events);
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

test("all is checked as of one moment, whatever is committed meanwhile", async () => {
  const holder = await given.held("lock table redeliveries in access exclusive mode");
  const verifying = verify(given.pool);
  await given.waitingFor("redeliveries");
  await holder.run("insert into streams values ('a person without entries', 1, 'hash')");
  await holder.commit();
  expect((await verifying).findings).toEqual([]);
  expect((await verify(given.pool)).findings).toEqual([
    mismatch("head", { entityId: "a person without entries" }),
  ]);
});

/** Another value of a column's type. */
const OTHER: Readonly<Record<string, string>> = {
  text: "$ || 'x'",
  bigint: "$ + 1000",
  integer: "$ + 1000",
  json: "replace($::text, ':', ': ')::json",
  bytea: "set_byte($, 3, get_byte($, 3) # 1)",
  uuid: "gen_random_uuid()",
  "timestamp with time zone": "$ + interval '1 microsecond'",
};

describe.each(["events", "redeliveries"])("a changed row of %s is named", (table) => {
  test("whichever its column", async () => {
    const { entity_id, seq, delivery_id, append_id } = await victim(table);
    const columns = await given.rows<{ column: string; type: string }>(
      // `recognised` is no evidence: it says what the code knew, not what was received.
      `select column_name as column, data_type as type from information_schema.columns
       where table_name = '${table}' and column_name <> 'recognised'`,
    );
    for (const { column, type } of columns) {
      const changed = await scene();
      await changed.tamper(
        `update ${table} set ${column} = ${OTHER[type]?.replaceAll("$", column)}
         where entity_id = '${entity_id}' and seq = ${seq}`,
      );
      const verification = await verify(changed.pool);
      await changed.end();
      expect
        .soft(naming(verification, { entity_id, seq, delivery_id, append_id }), `${table}.${column}`)
        .not.toEqual([]);
    }
  });
});

/** What is said of a row: by its place, its delivery or its transaction. */
function naming({ findings }: Verification, row: Row): readonly string[] {
  const { entity_id, seq, delivery_id, append_id } = row;
  return findings
    .filter(
      ({ first }) =>
        (first.entityId === entity_id && first.seq === Number(seq)) ||
        (first.entityId === entity_id && first.expected === `seq ${seq}`) ||
        first.deliveryId === delivery_id ||
        first.expected.startsWith(`append ${append_id} `),
    )
    .map(({ check }) => check);
}

interface Row {
  readonly entity_id: string;
  readonly seq: string;
  readonly delivery_id: string;
  readonly append_id: string;
}

/** A row in the middle of a chain, which changed its person. */
async function victim(table: string): Promise<Row> {
  const [row] = await given.rows<Row>(
    `select * from ${table} where seq > 1 and append_id is not null
       and seq < (select seq from streams where streams.entity_id = ${table}.entity_id)
     order by entity_id, seq limit 1`,
  );
  if (row === undefined) throw new Error(`the scene has no such row in ${table}`);
  return row;
}

describe("a row that does not fit is named", () => {
  test.each([
    [
      "the kept bytes",
      "update deliveries set body = set_byte(body, 20, get_byte(body, 20) # 1)",
      "delivery-digest",
    ],
    [
      "the time received",
      "update deliveries set received_at = received_at + interval '1 microsecond'",
      "received-at",
    ],
    ["that it was received", "delete from deliveries", "delivery-missing"],
    ["how it was settled", "update settlements set outcome = 'duplicate'", "settlement"],
    ["that it was settled", "delete from settlements", "settlement"],
  ])("of its delivery: %s", async (_what, statement, check) => {
    const row = await victim("events");
    await given.tamper(`${statement} where delivery_id = '${row.delivery_id}'`);
    expect(naming(await verify(given.pool), row)).toContain(check);
    expect(naming(await verify(given.pool, { entityId: row.entity_id }), row)).toContain(check);
  });

  test("when one in the middle is deleted: the one after", async () => {
    const { entity_id, seq } = await victim("events");
    await given.tamper(`delete from events where entity_id = '${entity_id}' and seq = ${seq}`);
    const { findings } = await verify(given.pool);
    expect(findings).toContainEqual(
      mismatch("sequence", {
        entityId: entity_id,
        seq: Number(seq) + 1,
        expected: `seq ${seq}`,
        found: `seq ${Number(seq) + 1}`,
      }),
    );
    expect(findings).toContainEqual(mismatch("log-row-missing", { table: "settlements" }));
  });

  test("when the last is deleted: the head", async () => {
    const [last] = await given.rows<{ entity_id: string; seq: string }>(
      "select entity_id, seq from events join streams using (entity_id, seq) order by entity_id limit 1",
    );
    const { entity_id, seq } = last!;
    await given.tamper(`delete from events where entity_id = '${entity_id}' and seq = ${seq}`);
    const { findings } = await verify(given.pool, { entityId: entity_id });
    expect(findings).toEqual([mismatch("head", { table: "streams", entityId: entity_id })]);
  });

  test("when two are swapped: the first of them", async () => {
    const row = await victim("events");
    const next = `(select min(seq) from events where entity_id = '${row.entity_id}' and seq > ${row.seq})`;
    const swap = (from: string, to: string) =>
      `update events set seq = ${to} where entity_id = '${row.entity_id}' and seq = ${from}`;
    await given.tamper(
      `create table swapped as select ${next} as seq`,
      swap(row.seq, "-1"),
      swap("(select seq from swapped)", row.seq),
      swap("-1", "(select seq from swapped)"),
    );
    const { findings } = await verify(given.pool);
    expect(findings).toEqual([mismatch("hash", { entityId: row.entity_id, seq: Number(row.seq) })]);
  });

  test("when a whole person is removed, head and all: the settlements", async () => {
    const { entity_id } = await victim("events");
    await given.tamper(
      ...["events", "redeliveries", "streams", "natural_persons"].map(
        (table) => `delete from ${table} where entity_id = '${entity_id}'`,
      ),
    );
    expect((await verify(given.pool)).findings).toContainEqual(
      mismatch("log-row-missing", { table: "settlements", found: "none" }),
    );
  });

  test("when a person's entries are removed: the head", async () => {
    const { entity_id } = await victim("events");
    await given.tamper(
      ...["events", "redeliveries"].map((table) => `delete from ${table} where entity_id = '${entity_id}'`),
    );
    expect((await verify(given.pool, { entityId: entity_id })).findings).toEqual([
      mismatch("head", { table: "streams", entityId: entity_id, found: "none" }),
    ]);
  });

  test.each(["seq = seq + 1", "hash = set_byte(hash, 0, get_byte(hash, 0) # 1)"])(
    "when the head is changed: %s",
    async (change) => {
      const { entity_id } = await victim("events");
      await given.tamper(`update streams set ${change} where entity_id = '${entity_id}'`);
      expect((await verify(given.pool)).findings).toEqual([
        mismatch("head", { table: "streams", entityId: entity_id }),
      ]);
    },
  );

  test("when the head is removed", async () => {
    const { entity_id } = await victim("events");
    await given.tamper(`delete from streams where entity_id = '${entity_id}'`);
    expect((await verify(given.pool)).findings).toEqual([
      mismatch("head", { table: "streams", entityId: entity_id, found: "none" }),
    ]);
  });

  test("when one is forged at the chain's end, with the head", async () => {
    const { entity_id } = await victim("events");
    await given.tamper(
      `insert into events select entity_id, (select seq + 1 from streams where entity_id = '${entity_id}'), event,
         id || 'x', ticks, data, data_digest, delivery_id, received_at, delivery_digest, sha256(hash), append_id, ordinal,
         recognised
       from events where entity_id = '${entity_id}' order by seq limit 1`,
      `update streams set seq = seq + 1, hash = (select hash from events where events.entity_id = streams.entity_id
         order by seq desc limit 1) where entity_id = '${entity_id}'`,
    );
    const checks = (await verify(given.pool)).findings.map(({ check }) => check);
    expect(checks).toEqual(expect.arrayContaining(["hash", "content", "logged-twice", "append"]));
  });
});

describe("a delivery that is not as it was recorded is named", () => {
  test.each(["applied", "duplicate", "dead-lettered", "discarded", "open"])(
    "of one that is %s: whichever its column",
    async (state) => {
      const [row] = await given.rows<{ delivery_id: string }>(
        `select delivery_id from deliveries left join settlements using (delivery_id)
       where coalesce(outcome, 'open') = '${state}' limit 1`,
      );
      const deliveryId = row!.delivery_id;
      for (const [column, value] of [
        ["body", "set_byte(body, 3, get_byte(body, 3) # 1)"],
        ["headers", `'{"content-type":"text/plain"}'`],
        ["verified_by", "'payload-secret'"],
        ["secret_fingerprint", "'another'"],
        ["digest", "sha256(digest)"],
      ]) {
        await given.tamper(
          `create table before as select ${column} as value from deliveries where delivery_id = '${deliveryId}'`,
          `update deliveries set ${column} = ${value} where delivery_id = '${deliveryId}'`,
        );
        const { findings } = await verify(given.pool);
        expect.soft(findings, column).toContainEqual(mismatch("delivery-digest", { deliveryId }));
        await given.tamper(
          `update deliveries set ${column} = value from before where delivery_id = '${deliveryId}'`,
          "drop table before",
        );
      }
      expect((await verify(given.pool)).findings).toEqual([]);
    },
  );
});

test.each(["dead-lettered", "discarded"])(
  "of one person alone, a delivery that is %s is checked, too, and nobody else's",
  async (outcome) => {
    const [row] = await given.rows<{ delivery_id: string; entity_id: string }>(
      `select delivery_id, entity_id from dead_letters join settlements using (delivery_id)
       where outcome = '${outcome}' and entity_id is not null`,
    );
    const { delivery_id: deliveryId, entity_id: entityId } = row!;
    await given.tamper(`update deliveries set digest = sha256(digest) where delivery_id in (
      select delivery_id from dead_letters where entity_id is distinct from '${entityId}'
      union select delivery_id from open_deliveries)`);
    expect((await verify(given.pool, { entityId })).findings).toEqual([]);
    await given.tamper(`update deliveries set headers = '{}' where delivery_id = '${deliveryId}'`);
    expect((await verify(given.pool, { entityId })).findings).toEqual([
      { ...mismatch("delivery-digest", { deliveryId }), rows: 1 },
    ]);
  },
);

describe("an inbox that does not fit is named", () => {
  test("a delivery neither open nor settled", async () => {
    await given.tamper("delete from open_deliveries");
    expect((await verify(given.pool)).findings).toEqual([mismatch("unsettled", { table: "deliveries" })]);
  });

  test("a delivery open and settled", async () => {
    await given.tamper("insert into settlements select delivery_id, 'dead-lettered' from open_deliveries");
    expect((await verify(given.pool)).findings).toContainEqual(
      mismatch("open-and-settled", { table: "open_deliveries" }),
    );
  });

  test("a dead delivery of which nothing says why", async () => {
    await given.tamper("delete from dead_letters");
    expect((await verify(given.pool)).findings).toEqual([
      { ...mismatch("dead-letter-missing", {}), rows: 3 },
    ]);
  });

  test("an open delivery that was never received", async () => {
    await given.tamper("insert into open_deliveries values (gen_random_uuid(), now())");
    expect((await verify(given.pool)).findings).toEqual([mismatch("delivery-missing", {})]);
  });
});

test("however much is wrong, each check names the first row and counts them all", async () => {
  await given.tamper("update events set ticks = ticks + 1");
  const { findings, events } = await verify(given.pool);
  const [first] = await given.rows<Row>("select * from events order by entity_id, seq limit 1");
  for (const check of ["hash", "content"])
    expect(findings).toContainEqual({
      ...mismatch(check, { entityId: first!.entity_id, seq: Number(first!.seq) }),
      rows: events,
    });
});

test("no finding holds anything of a payload but ids", async () => {
  await given.tamper(`update events set data = replace(data::text, ':', ': ')::json`);
  const names = await given.rows<{ name: string }>(
    "select distinct state->>'name' as name from natural_persons",
  );
  const said = JSON.stringify(await verify(given.pool));
  for (const { name } of names) expect(said).not.toContain(name);
});

function mismatch(check: string, first: object): object {
  return { check, rows: expect.any(Number) as unknown, first: expect.objectContaining(first) as unknown };
}
