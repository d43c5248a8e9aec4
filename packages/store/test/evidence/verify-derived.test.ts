import { FOLD_VERSION } from "@dossier/events";
import { describe, expect, test } from "vitest";
import { assignPositions } from "../../src/feed/positions.ts";
import { discard, redrive, rebuild, restore, sealRecords, verifyEvidence } from "../../src/index.ts";
import { tamper, useRecord } from "../database.ts";
import { eventBody, UNPARSABLE_BODY } from "../fixtures.ts";

// What is derived from the log, or chained after its commit.
const database = useRecord({ start: "sample" });

async function findChecks(options?: { entityId: string }): Promise<readonly string[]> {
  const { findings } = await verifyEvidence(database.pool, options);
  return findings.map(({ check, first }) => `${check}: ${first.table}`);
}

describe("a row of the projection that the log does not give is reported", () => {
  const one = "entity_id = (select min(entity_id) from natural_persons)";
  test.each([
    [
      "a state",
      `update natural_persons set state = (state::jsonb || '{"status":"approved","x":1}')::json where ${one}`,
    ],
    ["a state's text", `update natural_persons set state = (state::text || ' ')::json where ${one}`],
    ["a status", `update natural_persons set status = status || 'x' where ${one}`],
    [
      "whether a review is needed",
      `update natural_persons set review_needed = not review_needed where ${one}`,
    ],
    ["what is searched", `update natural_persons set search = 'mallory' where ${one}`],
    ["the last event", `update natural_persons set last_id = last_id || 'x' where ${one}`],
    ["a row that was removed", `delete from natural_persons where ${one}`],
  ])("%s", async (_what, statement) => {
    const [person] = await database.rows<{ id: string }>("select min(entity_id) as id from natural_persons");
    await tamper(database.pool, statement);
    expect(await findChecks()).toEqual(["projection: natural_persons"]);
    expect(await findChecks({ entityId: person!.id })).toEqual(["projection: natural_persons"]);
    await rebuild(database.url);
    expect(await findChecks()).toEqual([]);
  });

  test("a person of whom the log has no event", async () => {
    await tamper(
      database.pool,
      `insert into natural_persons select 'zz', status, review_needed, search, state, last_ticks, last_event, last_id, fold_version
       from natural_persons where ${one}`,
    );
    expect(await findChecks()).toEqual(["projection: natural_persons"]);
    expect(await findChecks({ entityId: "zz" })).toEqual(["projection: natural_persons"]);
  });

  test("a search table that differs", async () => {
    await tamper(database.pool, "update person_search set search = 'mallory'");
    expect(await findChecks()).toEqual(["projection: person_search"]);
  });
});

test("a state of another version of the fold needs a rebuild, and is no forgery", async () => {
  await tamper(
    database.pool,
    `update natural_persons set fold_version = ${FOLD_VERSION - 1}, state = '{"status":"approved"}'`,
  );
  expect(await findChecks()).toEqual(["rebuild-needed: natural_persons"]);
  await rebuild(database.url);
  expect(await findChecks()).toEqual([]);
});

test("a state that further events are folded onto keeps its version of the fold", async () => {
  await tamper(database.pool, `update natural_persons set fold_version = ${FOLD_VERSION - 1}`);
  const [person] = await database.rows<{ entity_id: string }>(
    "select entity_id from natural_persons limit 1",
  );
  const versions = () =>
    database.rows("select fold_version as version from natural_persons where entity_id = $1", [
      person!.entity_id,
    ]);
  await database.recordAndSettle(
    eventBody(person!.entity_id, { id: "later", creationTimeUtc: "2099-01-01T00:00:00Z" }),
  );
  expect(await versions()).toEqual([{ version: FOLD_VERSION - 1 }]);
});

describe("positions of the change feed that moved are reported", () => {
  test.each([
    [
      "two transactions that changed places",
      `update appends set first_position = case append_id when 1 then 1000 when 2 then 1001 end where append_id in (1, 2)`,
    ],
    ["one that was removed", "update appends set first_position = null where append_id = 2"],
    ["another hash", "update appends set feed_hash = sha256(feed_hash) where append_id = 2"],
    ["the end", "update chain_heads set seq = seq - 1 where chain = 'feed'"],
    [
      "the last one",
      "update appends set first_position = null where append_id = (select max(append_id) from appends)",
    ],
  ])("%s", async (_what, statement) => {
    await tamper(database.pool, statement);
    expect((await findChecks()).some((finding) => finding.startsWith("feed: "))).toBe(true);
  });

  test("two changes of one transaction that changed places", async () => {
    await tamper(
      database.pool,
      "update events set ordinal = 1 - ordinal where append_id = (select append_id from events where ordinal = 1 limit 1) and ordinal < 2",
    );
    expect(await findChecks()).toEqual(["append: appends"]);
  });
});

describe("dead letters and decisions that are not as they were sealed are reported", () => {
  test.each([
    [
      "dead_letters",
      "update dead_letters set message = message || 'x' where dead_letter_id = 2",
      "seal: dead_letters",
    ],
    [
      "dead_letters",
      "update dead_letters set dead_lettered_at = now() where dead_letter_id = 2",
      "seal: dead_letters",
    ],
    [
      "dead_letters",
      "update dead_letters set entity_id = 'another' where dead_letter_id = 2",
      "seal: dead_letters",
    ],
    ["dead_letters", "delete from dead_letters where dead_letter_id = 3", "seal: dead_letters"],
    ["decisions", "update decisions set reason = 'another'", "seal: decisions"],
    ["decisions", "update decisions set decided_at = decided_at - interval '1 day'", "seal: decisions"],
    ["decisions", "delete from decisions", "seal: decisions"],
    ["seals", "delete from seals where seq = (select max(seq) from seals)", "seal: chain_heads"],
    ["seals", "update seals set hash = sha256(hash) where seq = 1", "seal: dead_letters"],
  ])("%s: %s", async (_table, statement, finding) => {
    await tamper(database.pool, statement);
    expect(await findChecks()).toContain(finding);
  });

  test("ones that were invented behind the triggers, and ones that lead to no settlement", async () => {
    await tamper(
      database.pool,
      `insert into decisions (delivery_id, action, decided_by, reason) select delivery_id, 'redrive', 'Mallory', 'none'
       from dead_letters limit 1`,
    );
    expect(await findChecks()).toEqual(["decisions: settlements", "never-sealed: decisions"]);
  });
});

test("discards and restores lead to their settlements, and a settlement without them is reported", async () => {
  const { pool } = database;
  const ids = await database.recordAndSettle(...Array.from({ length: 3 }, (_, i) => `not JSON ${i}`));
  const [twice = "", once = "", forged = ""] = ids;
  const decision = { decidedBy: "Olga", reason: "test" };
  await discard(pool, [twice, once], decision);
  await restore(pool, [twice, once], decision);
  await discard(pool, [twice], decision);
  expect(await findChecks()).toEqual([]);
  await redrive(pool, [once], decision);
  await database.settle([once]);
  expect(await findChecks()).toEqual([]);
  await tamper(pool, `update settlements set settled_as = 'dead-lettered' where delivery_id = '${twice}'`);
  await tamper(
    pool,
    `insert into decisions (delivery_id, action, decided_by, reason) values ('${forged}', 'restore', 'Mallory', '')`,
  );
  const { findings } = await verifyEvidence(pool);
  expect(findings.find(({ check }) => check === "decisions")).toMatchObject({ rows: 2 });
});

test("what is not sealed yet is counted, and a decision and a dead letter are sealed after their commit", async () => {
  const [dead = ""] = await database.recordAndSettle(UNPARSABLE_BODY);
  expect(await redrive(database.pool, [dead], { decidedBy: "Olga", reason: "test" })).toEqual([dead]);
  expect(await verifyEvidence(database.pool)).toMatchObject({ findings: [], unsealed: 2 });
  expect(await sealRecords(database.pool)).toBe(2);
  await database.settle([dead]);
  expect(await sealRecords(database.pool)).toBe(1);
  await assignPositions(database.pool);
  expect(await verifyEvidence(database.pool)).toMatchObject({ findings: [], unsealed: 0 });
});

test("of concurrent sealers one seals, and no record gets two seals", async () => {
  await database.recordAndSettle(...Array.from({ length: 20 }, (_, i) => `not JSON ${i}`));
  const sealed = await Promise.all(Array.from({ length: 6 }, () => sealRecords(database.pool)));
  expect(sealed.reduce((sum, count) => sum + count)).toBe(20);
  expect(await verifyEvidence(database.pool)).toMatchObject({ findings: [], unsealed: 0 });
});
