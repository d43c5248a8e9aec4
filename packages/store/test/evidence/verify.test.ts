import { randomUUID } from "node:crypto";
import { scenario } from "@dossier/simulator";
import { waitFor } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { openPool, redrive, settle, verifyEvidence, type EvidenceVerification } from "../../src/index.ts";
import { chunks, openTransaction, tamper, useRecord, waitForLock } from "../database.ts";
import { eventBody } from "../fixtures.ts";

const database = useRecord({ start: "sample" });

describe("an unchanged record", () => {
  test("verifies, with counts", async () => {
    const counts = await database.rows(`select
      (select count(*) from streams)::int as persons, (select count(*) from events)::int as events,
      (select count(*) from redeliveries)::int as redeliveries, (select count(*) from deliveries)::int as deliveries`);
    expect(await verifyEvidence(database.pool)).toEqual({
      findings: [],
      notes: [],
      unsealed: 0,
      ...counts[0],
    });
  });

  test("verifies for one person alone", async () => {
    const { entity_id: entityId } = await selectRow("events");
    const [counts] = await database.rows(
      `select (select count(*) from events where entity_id = '${entityId}')::int as events`,
    );
    expect(await verifyEvidence(database.pool, { entityId })).toMatchObject({
      findings: [],
      persons: 1,
      ...counts,
    });
  });

  test("says how many of one person's deliveries are open, known by their bytes or a dead letter", async () => {
    const { pool } = database;
    const [found = ""] = await database.record(eventBody("only open"));
    const redriven = await database.recordAndExhaust(eventBody("only open", { id: "2" }));
    await database.recordAndExhaust(eventBody("only open", { id: "3" }));
    await redrive(pool, [redriven], { decidedBy: "ada", reason: "test" });
    const verified = await verifyEvidence(pool, { entityId: "only open" });
    expect(verified).toMatchObject({
      findings: [],
      persons: 0,
      deliveries: 3,
      openDeliveries: { found: 2, searched: 3, all: true },
    });
    await tamper(pool, `update deliveries set headers = '{}' where delivery_id = '${found}'`);
    expect((await verifyEvidence(pool, { entityId: "only open" })).findings).toMatchObject([
      { check: "delivery-digest", first: { deliveryId: found } },
    ]);
  });

  test("reports its progress, over the entries and the deliveries that have none", async () => {
    await database.record(eventBody("open"));
    const reported: [number, number][] = [];
    const { events, redeliveries, deliveries } = await verifyEvidence(database.pool, {
      onProgress: (checked, total) => reported.push([checked, total]),
    });
    expect(events + redeliveries).toBeLessThan(deliveries);
    expect(reported).toContainEqual([events + redeliveries, deliveries]);
    expect(reported.at(-1)).toEqual([deliveries, deliveries]);
  });

  test("verifies while workers write", async () => {
    const { webhooks } = scenario({ persons: 40, seed: 5, duplicates: 0.3, shuffle: 0.3 });
    const bodies = Iterator.from(webhooks).map(({ body }) => body);
    const seen: number[] = [];
    for (const some of chunks(bodies, 24)) {
      const ids = await database.record(...some);
      const [{ findings, events }] = await Promise.all([
        verifyEvidence(database.pool),
        ...chunks(ids.values(), 4).map((few) => settle(database.pool, few, "1.0.0")),
      ]);
      expect(findings).toEqual([]);
      seen.push(events);
    }
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });
});

test("everything is checked as of one time, whatever is committed meanwhile", async () => {
  const holder = await openTransaction(database.pool, "lock table redeliveries in access exclusive mode");
  const verifying = verifyEvidence(database.pool);
  await waitForLock(database.pool, { table: "redeliveries" });
  await holder.run("insert into streams values ('a person without entries', 1, 'hash')");
  await holder.commit();
  expect((await verifying).findings).toEqual([]);
  expect((await verifyEvidence(database.pool)).findings).toEqual([
    mismatch("head", { entityId: "a person without entries" }),
  ]);
});

test("whole tables are compared as of the time at which the chains are read", async () => {
  const pool = openPool(database.url, { name: "test", size: 2 });
  const held = await pool.connect();
  const verifying = verifyEvidence(pool);
  await waitFor(() => pool.waitingCount === 1);
  const deliveryId = randomUUID();
  await database.rows("insert into open_deliveries (delivery_id, due_at, bytes) values ($1, now(), 1)", [
    deliveryId,
  ]);
  held.release();
  expect((await verifying).findings).toEqual([]);
  expect((await verifyEvidence(pool)).findings).toEqual([mismatch("delivery-missing", { deliveryId })]);
  await pool.end();
});

/** Expressions for another value, by a column's type. */
const OTHER: Readonly<Record<string, string>> = {
  text: "$ || 'x'",
  bigint: "$ + 1000",
  integer: "$ + 1000",
  json: "replace($::text, ':', ': ')::json",
  bytea: "set_byte($, 3, get_byte($, 3) # 1)",
  uuid: "gen_random_uuid()",
  "timestamp with time zone": "$ + interval '1 microsecond'",
};

describe.each(["events", "redeliveries"])("a changed row of %s is reported", (table) => {
  test("whichever column was changed", async () => {
    const row = await selectRow(table);
    const columns = await database.rows<{ column: string; type: string }>( // `recognised` is not evidence: it says what the code knew, not what was received.
      `select column_name as column, data_type as type from information_schema.columns
       where table_schema = 'public' and table_name = '${table}' and column_name <> 'recognised'`,
    );
    for (const { column, type } of columns) {
      await tamper(
        database.pool,
        `update ${table} set ${column} = ${OTHER[type]?.replaceAll("$", column)}
         where entity_id = '${row.entity_id}' and seq = ${row.seq}`,
      );
      expect.soft(checksOf(await verifyEvidence(database.pool), row), `${table}.${column}`).not.toEqual([]);
      await tamper(database.pool, `truncate ${table}`, `insert into ${table} select * from sample.${table}`);
    }
    expect((await verifyEvidence(database.pool)).findings).toEqual([]);
  });
});

/** Returns the checks that report a row: by its `seq`, its delivery or its transaction. */
function checksOf({ findings }: EvidenceVerification, row: Row): readonly string[] {
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
  readonly seq: bigint;
  readonly delivery_id: string;
  readonly append_id: bigint;
}

/** Selects a row in the middle of a chain that changed its person. */
async function selectRow(table: string): Promise<Row> {
  const [row] = await database.rows<Row>(`select * from ${table} where seq > 1 and append_id is not null
       and seq < (select seq from streams where streams.entity_id = ${table}.entity_id)
     order by entity_id, seq limit 1`);
  if (row === undefined) throw new Error(`the sample has no such row in ${table}`);
  return row;
}

describe("a row that is wrong is reported", () => {
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
    ["the delivery itself", "delete from deliveries", "delivery-missing"],
    ["how its delivery is settled", "update settlements set settled_as = 'duplicate'", "settlement"],
    ["its settlement", "delete from settlements", "settlement"],
  ])("of its delivery: %s", async (_what, statement, check) => {
    const row = await selectRow("events");
    await tamper(database.pool, `${statement} where delivery_id = '${row.delivery_id}'`);
    expect(checksOf(await verifyEvidence(database.pool), row)).toContain(check);
    expect(checksOf(await verifyEvidence(database.pool, { entityId: row.entity_id }), row)).toContain(check);
  });

  test("the next row, if one in the middle was deleted", async () => {
    const { entity_id, seq } = await selectRow("events");
    await tamper(database.pool, `delete from events where entity_id = '${entity_id}' and seq = ${seq}`);
    const { findings } = await verifyEvidence(database.pool);
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

  test("the head, if the last row was deleted", async () => {
    const [last] = await database.rows<{ entity_id: string; seq: bigint }>(
      "select entity_id, seq from events join streams using (entity_id, seq) order by entity_id limit 1",
    );
    const { entity_id, seq } = last!;
    await tamper(database.pool, `delete from events where entity_id = '${entity_id}' and seq = ${seq}`);
    const { findings } = await verifyEvidence(database.pool, { entityId: entity_id });
    expect(findings).toContainEqual(mismatch("head", { table: "streams", entityId: entity_id }));
  });

  test("the first of two rows that were swapped", async () => {
    const row = await selectRow("events");
    const next = `(select min(seq) from events where entity_id = '${row.entity_id}' and seq > ${row.seq})`;
    const swap = (from: string, to: string) =>
      `update events set seq = ${to} where entity_id = '${row.entity_id}' and seq = ${from}`;
    await tamper(
      database.pool,
      `create temporary table swapped on commit drop as select ${next} as seq`,
      swap(`${row.seq}`, "-1"),
      swap("(select seq from swapped)", `${row.seq}`),
      swap("-1", "(select seq from swapped)"),
    );
    const { findings } = await verifyEvidence(database.pool);
    expect(findings).toEqual([mismatch("hash", { entityId: row.entity_id, seq: Number(row.seq) })]);
  });

  test("the settlements, if a person was removed, with the head", async () => {
    const { entity_id } = await selectRow("events");
    await tamper(
      database.pool,
      ...["events", "redeliveries", "streams", "natural_persons"].map(
        (table) => `delete from ${table} where entity_id = '${entity_id}'`,
      ),
    );
    expect((await verifyEvidence(database.pool)).findings).toContainEqual(
      mismatch("log-row-missing", { table: "settlements", found: "none" }),
    );
  });

  test("the head, if a person's entries were removed", async () => {
    const { entity_id } = await selectRow("events");
    await tamper(
      database.pool,
      ...["events", "redeliveries"].map((table) => `delete from ${table} where entity_id = '${entity_id}'`),
    );
    expect((await verifyEvidence(database.pool, { entityId: entity_id })).findings).toContainEqual(
      mismatch("head", { table: "streams", entityId: entity_id, found: "none" }),
    );
  });

  test.each(["seq = seq + 1", "hash = set_byte(hash, 0, get_byte(hash, 0) # 1)"])(
    "the head, if it was changed: %s",
    async (change) => {
      const { entity_id } = await selectRow("events");
      await tamper(database.pool, `update streams set ${change} where entity_id = '${entity_id}'`);
      expect((await verifyEvidence(database.pool)).findings).toEqual([
        mismatch("head", { table: "streams", entityId: entity_id }),
      ]);
    },
  );

  test("the head, if it was removed", async () => {
    const { entity_id } = await selectRow("events");
    await tamper(database.pool, `delete from streams where entity_id = '${entity_id}'`);
    expect((await verifyEvidence(database.pool)).findings).toEqual([
      mismatch("head", { table: "streams", entityId: entity_id, found: "none" }),
    ]);
  });

  test("a row that was forged at the chain's end, with its head", async () => {
    const { entity_id } = await selectRow("events");
    await tamper(
      database.pool,
      `insert into events select entity_id, (select seq + 1 from streams where entity_id = '${entity_id}'), event,
         id || 'x', ticks, data, data_digest, delivery_id, received_at, delivery_digest, sha256(hash), append_id, ordinal,
         recognised
       from events where entity_id = '${entity_id}' order by seq limit 1`,
      `update streams set seq = seq + 1, hash = (select hash from events where events.entity_id = streams.entity_id
         order by seq desc limit 1) where entity_id = '${entity_id}'`,
    );
    const checks = (await verifyEvidence(database.pool)).findings.map(({ check }) => check);
    expect(checks).toEqual(expect.arrayContaining(["hash", "content", "logged-twice", "append"]));
  });
});

describe("a delivery that is not as it was recorded is reported", () => {
  test.each(["applied", "duplicate", "dead-lettered", "discarded", "open"])(
    "if it is %s, whichever column was changed",
    async (state) => {
      const [row] = await database.rows<{
        delivery_id: string;
      }>(`select delivery_id from deliveries left join settlements using (delivery_id)
       where coalesce(settled_as, 'open') = '${state}' limit 1`);
      const deliveryId = row!.delivery_id;
      for (const [column, value] of [
        ["body", "set_byte(body, 3, get_byte(body, 3) # 1)"],
        ["headers", `'{"content-type":"text/plain"}'`],
        ["verified_by", "'payload-secret'"],
        ["secret_fingerprint", "'another'"],
        ["digest", "sha256(digest)"],
      ]) {
        await tamper(
          database.pool,
          `update deliveries set ${column} = ${value} where delivery_id = '${deliveryId}'`,
        );
        const { findings } = await verifyEvidence(database.pool);
        expect.soft(findings, column).toContainEqual(mismatch("delivery-digest", { deliveryId }));
        await tamper(
          database.pool,
          `update deliveries set ${column} = kept.${column} from sample.deliveries as kept
           where deliveries.delivery_id = '${deliveryId}' and kept.delivery_id = deliveries.delivery_id`,
        );
      }
      expect((await verifyEvidence(database.pool)).findings).toEqual([]);
    },
  );
});

test.each(["dead-lettered", "discarded"])(
  "for one person alone, the person's %s delivery is checked too, and no other person's",
  async (settledAs) => {
    const [row] = await database.rows<{
      delivery_id: string;
      entity_id: string;
    }>(`select delivery_id, entity_id from dead_letters join settlements using (delivery_id)
       where settled_as = '${settledAs}' and entity_id is not null`);
    const { delivery_id: deliveryId, entity_id: entityId } = row!;
    await tamper(
      database.pool,
      `update deliveries set digest = sha256(digest) where delivery_id in (
      select delivery_id from dead_letters where entity_id is distinct from '${entityId}'
      union select delivery_id from open_deliveries)`,
    );
    expect((await verifyEvidence(database.pool, { entityId })).findings).toEqual([]);
    await tamper(database.pool, `update deliveries set headers = '{}' where delivery_id = '${deliveryId}'`);
    expect((await verifyEvidence(database.pool, { entityId })).findings).toEqual([
      { ...mismatch("delivery-digest", { deliveryId }), rows: 1 },
    ]);
  },
);

describe("an inconsistent inbox is reported", () => {
  test("a delivery neither open nor settled", async () => {
    await tamper(database.pool, "delete from open_deliveries");
    expect((await verifyEvidence(database.pool)).findings).toEqual([
      mismatch("unsettled", { table: "deliveries" }),
    ]);
  });

  test("a delivery open and settled", async () => {
    await tamper(
      database.pool,
      "insert into settlements select delivery_id, 'dead-lettered' from open_deliveries",
    );
    expect((await verifyEvidence(database.pool)).findings).toContainEqual(
      mismatch("open-and-settled", { table: "open_deliveries" }),
    );
  });

  test("a dead-lettered delivery without a dead letter", async () => {
    await tamper(database.pool, "delete from dead_letters");
    expect((await verifyEvidence(database.pool)).findings).toContainEqual({
      ...mismatch("dead-letter-missing", {}),
      rows: 3,
    });
  });

  test("a settlement that names another dead letter than the last", async () => {
    await tamper(
      database.pool,
      "update settlements set dead_letter_reason = 'stalled' where settled_as = 'dead-lettered'",
    );
    expect((await verifyEvidence(database.pool)).findings).toContainEqual({
      ...mismatch("dead-letter-missing", { table: "settlements", found: "dead letter 2, stalled" }),
      rows: 2,
    });
  });

  test("an open delivery that was never received", async () => {
    await tamper(
      database.pool,
      "insert into open_deliveries (delivery_id, due_at, bytes) values (gen_random_uuid(), now(), 0)",
    );
    expect((await verifyEvidence(database.pool)).findings).toEqual([mismatch("delivery-missing", {})]);
  });
});

test("each check reports the first wrong row and counts all of them", async () => {
  await tamper(database.pool, "update events set ticks = ticks + 1");
  const { findings, events } = await verifyEvidence(database.pool);
  const [first] = await database.rows<Row>("select * from events order by entity_id, seq limit 1");
  for (const check of ["hash", "content"])
    expect(findings).toContainEqual({
      ...mismatch(check, { entityId: first!.entity_id, seq: Number(first!.seq) }),
      rows: events,
    });
});

test("no finding holds anything of a payload but ids", async () => {
  await tamper(database.pool, `update events set data = replace(data::text, ':', ': ')::json`);
  const names = await database.rows<{ name: string }>(
    "select distinct state->>'name' as name from natural_persons",
  );
  const findings = JSON.stringify(await verifyEvidence(database.pool));
  for (const { name } of names) expect(findings).not.toContain(name);
});

function mismatch(check: string, first: object): object {
  return { check, rows: expect.any(Number) as unknown, first: expect.objectContaining(first) as unknown };
}
