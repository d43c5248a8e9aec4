import { migrate, openPool, recordDeliveries, settle, type Pool } from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Ledger } from "../src/sender.ts";
import { traffic } from "../src/traffic.ts";
import { verdict } from "../src/verdict.ts";

const sent = traffic(5, 3_000);
let database: Awaited<ReturnType<typeof freshDatabase>>;
let pool: Pool;
let ledger: Ledger;

beforeEach(async () => {
  database = await freshDatabase({ name: "chaos", make: migrate });
  pool = openPool(database.url, { name: "test", size: 2, timeoutMs: 60_000 });
  const deliveries = await record(sent.bodies);
  await settle(pool, [...deliveries.keys()], "test");
  ledger = { accepted: deliveries, sends: deliveries.size, refused: 0, byHand: 0, wrong: [] };
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

let made = 0;

async function record(bodies: readonly Buffer[]): Promise<ReadonlyMap<string, Buffer>> {
  const deliveries = bodies.map((body) => ({
    deliveryId: `01890000-0000-7000-8000-${String((made += 1)).padStart(12, "0")}`,
    body,
    headers: {},
    verifiedBy: "signature" as const,
    secretFingerprint: "test",
  }));
  await recordDeliveries(pool, deliveries);
  return new Map(deliveries.map(({ deliveryId, body }) => [deliveryId, body]));
}

/** Changes the record as a superuser to whom no trigger says no. */
async function tamper(statement: string): Promise<void> {
  const superuser = await pool.connect();
  await superuser.query("set session_replication_role = replica");
  const { rowCount } = await superuser.query(statement);
  superuser.release(true);
  expect(rowCount).toBeGreaterThan(0);
}

const look = () => verdict(database.url, sent, ledger);
const told = "(select delivery_id from events order by 1 limit 1)";

test("nothing is found in a record that is as it must be", async () => {
  expect(await look()).toEqual([]);
});

test.for([
  ["a lost delivery", `delete from deliveries where delivery_id = ${told}`, /was answered 200, and is lost/],
  [
    "a changed byte",
    `update deliveries set body = body || ' ' where delivery_id = ${told}`,
    /was answered 200, and has other bytes/,
  ],
  ["an open delivery", `delete from settlements where delivery_id = ${told}`, /is open \(no dead letter\)/],
  [
    "a delivery that died and should not have",
    `update settlements set outcome = 'dead-lettered' where delivery_id = ${told}`,
    /is dead \(no dead letter\)/,
  ],
  ["a wrong reason for a dead letter", "update dead_letters set reason = 'stalled'", /is dead \(stalled\)/],
  [
    "an attempt used up",
    `insert into failures (delivery_id, attempt, error, code_version) select delivery_id, 1, 'away', '1' from deliveries limit 1`,
    /an attempt was used up by a fault of the surroundings: away/,
  ],
  [
    "a wrong person",
    `update natural_persons set state = replace(state::text, '"version":', '"version":1')::json
     where entity_id = (select min(entity_id) from natural_persons)`,
    /is not as simulated/,
  ],
  [
    "a person too few",
    "delete from natural_persons where entity_id = (select min(entity_id) from natural_persons)",
    /is not as simulated/,
  ],
  [
    "a person too many",
    `insert into natural_persons select 'nobody', status, search, replace(state::text, entity_id, 'nobody')::json, last_ticks, last_event, last_id
     from natural_persons limit 1`,
    /person nobody was never simulated/,
  ],
  ["a broken chain", "update streams set hash = sha256(hash)", /^verify: /],
] as const)("%s is found", async ([, statement, finding]) => {
  await tamper(statement);
  expect(await look()).toContainEqual(expect.stringMatching(finding));
});

test("deliveries that no send can have made are found, and those are not whose sender heard nothing", async () => {
  const unheard = await record(sent.bodies.slice(0, 2));
  await settle(pool, [...unheard.keys()], "test");
  ledger = { ...ledger, refused: 1 };
  expect(await look()).toEqual(["2 deliveries came of 1 sends that got no 200"]);
  ledger = { ...ledger, refused: 2 };
  expect(await look()).toEqual([]);
});

test("an answer that no send may get is found", async () => {
  ledger = { ...ledger, wrong: ["answered 500: "] };
  expect(await look()).toEqual(["answered 500: "]);
});
