import { openRecord, type TestRecord } from "@dossier/store/fixtures";
import { beforeEach, expect, test } from "vitest";
import type { Answers } from "../src/client.ts";
import { checkSafety } from "../src/invariants.ts";
import { createWorkload } from "../src/workload.ts";

const workload = createWorkload(5, 3_000);
let record: TestRecord;
let answers: Answers;

beforeEach(async (context) => {
  record = await openRecord(context, { size: 2 });
  const deliveryIds = await record.recordAndSettle(...workload.bodies);
  const accepted = new Map(deliveryIds.map((id, n) => [id, workload.bodies[n]!]));
  answers = { accepted, failed: 0, exhausted: 0, wrong: [] };
});

/** Changes the record without its triggers, as a superuser can. */
async function tamper(statement: string): Promise<void> {
  const superuser = await record.pool.connect();
  await superuser.query("set session_replication_role = replica");
  const { rowCount } = await superuser.query(statement);
  superuser.release(true);
  expect(rowCount).toBeGreaterThan(0);
}

const violations = () => checkSafety(record.url, workload, answers);
const applied = "(select delivery_id from events order by 1 limit 1)";

test("a record in which all invariants hold has no violations", async () => {
  expect(await violations()).toEqual([]);
});

test.for([
  [
    "a lost delivery",
    `delete from deliveries where delivery_id = ${applied}`,
    /^recording: .* was accepted and is lost/,
  ],
  [
    "a changed byte",
    `update deliveries set body = body || ' ' where delivery_id = ${applied}`,
    /^recording: .* was accepted and has other bytes/,
  ],
  [
    "an open delivery",
    `delete from settlements where delivery_id = ${applied}`,
    /^settlement: .* is open \(no dead letter\)/,
  ],
  [
    "a valid delivery that is dead-lettered",
    `update settlements set settled_as = 'dead-lettered' where delivery_id = ${applied}`,
    /^settlement: .* is dead-lettered \(no dead letter\)/,
  ],
  [
    "a dead letter with a wrong reason",
    "update dead_letters set reason = 'stalled'",
    /^settlement: .* is dead-lettered \(stalled\)/,
  ],
  [
    "an attempt that a fault used",
    `insert into failed_attempts (delivery_id, attempt, error, code_version) select delivery_id, 1, 'timeout', '1' from deliveries limit 1`,
    /^attempts: .* used an attempt: timeout/,
  ],
  [
    "a person in a wrong state",
    `update natural_persons set state = replace(state::text, '"version":', '"version":1')::json
     where entity_id = (select min(entity_id) from natural_persons)`,
    /^persons: .* is not as simulated/,
  ],
  [
    "a missing person",
    "delete from natural_persons where entity_id = (select min(entity_id) from natural_persons)",
    /^persons: .* is not as simulated/,
  ],
  [
    "a person who was not simulated",
    `insert into natural_persons select 'nobody', status, review_needed, search, replace(state::text, entity_id, 'nobody')::json, last_ticks, last_event, last_id, fold_version
     from natural_persons limit 1`,
    /^persons: person nobody was never simulated/,
  ],
  ["a broken hash chain", "update streams set hash = sha256(hash)", /^verify: /],
] as const)("%s is a violation", async ([, statement, violation]) => {
  await tamper(statement);
  expect(await violations()).toContainEqual(expect.stringMatching(violation));
});

test("more deliveries than requests without a 200 are a violation, as many are not", async () => {
  await record.recordAndSettle(...workload.bodies.slice(0, 2));
  answers = { ...answers, failed: 1 };
  expect(await violations()).toEqual(["recording: 1 requests without a 200 made 2 deliveries"]);
  answers = { ...answers, failed: 2 };
  expect(await violations()).toEqual([]);
});

test("an answer that no request may get is a violation", async () => {
  answers = { ...answers, wrong: ["a request was answered 500: "] };
  expect(await violations()).toEqual(["answers: a request was answered 500: "]);
});
