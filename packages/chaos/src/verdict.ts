import { isDeepStrictEqual } from "node:util";
import type { Person } from "@dossier/events";
import { listPersons, openPool, verify, type Pool } from "@dossier/store";
import type { Ledger } from "./sender.ts";
import type { Traffic } from "./traffic.ts";

/** All that is wrong with the record after a run; nothing, most hopefully. Each kind of fault tells its first cases. */
export async function verdict(
  databaseUrl: string,
  traffic: Traffic,
  ledger: Ledger,
): Promise<readonly string[]> {
  const pool = openPool(databaseUrl, { name: "chaos", size: 2, timeoutMs: 120_000 });
  try {
    return [
      ...ledger.wrong.slice(0, CASES),
      ...(await deliveriesWrong(pool, ledger)),
      ...(await outcomesWrong(pool, traffic)),
      ...(await personsWrong(pool, traffic.persons)),
      ...(await verify(pool)).findings.map((finding) => `verify: ${JSON.stringify(finding)}`),
    ];
  } finally {
    await pool.end();
  }
}

const CASES = 5;

/** What was answered 200 is there, once and with its bytes; of all others, no more than sends without a 200. */
async function deliveriesWrong(pool: Pool, { accepted, refused }: Ledger): Promise<string[]> {
  const { rows } = await pool.query<{ delivery_id: string; body: Buffer }>(
    "select delivery_id, body from deliveries",
  );
  const recorded = new Map(rows.map(({ delivery_id, body }) => [delivery_id, body]));
  const wrong: string[] = [];
  for (const [deliveryId, body] of accepted) {
    const kept = recorded.get(deliveryId);
    if (kept === undefined) wrong.push(`delivery ${deliveryId} was answered 200, and is lost`);
    else if (!kept.equals(body)) wrong.push(`delivery ${deliveryId} was answered 200, and has other bytes`);
  }
  const unanswered = rows.length - accepted.size;
  if (unanswered > refused) wrong.push(`${unanswered} deliveries came of ${refused} sends that got no 200`);
  return wrong.slice(0, CASES);
}

/** All are settled: dead where nobody can read them, else told into the log; and nothing but that went wrong. */
async function outcomesWrong(pool: Pool, { poison }: Traffic): Promise<string[]> {
  const reasons = new Map(poison.map(({ body, reason }) => [body.toString("base64"), reason]));
  const { rows } = await pool.query<{
    delivery_id: string;
    body: Buffer;
    outcome: string | null;
    reason: string | null;
  }>(
    `select delivery_id, body, outcome, reason from deliveries
     left join settlements using (delivery_id) left join dead_letters using (delivery_id)`,
  );
  const wrong: string[] = [];
  for (const { delivery_id, body, outcome, reason } of rows) {
    const expected = reasons.get(body.toString("base64"));
    const asExpected =
      expected === undefined
        ? (outcome === "applied" || outcome === "duplicate") && reason === null
        : outcome === "dead-lettered" && reason === expected;
    if (!asExpected)
      wrong.push(`delivery ${delivery_id} is ${outcome ?? "open"} (${reason ?? "no dead letter"})`);
  }
  const failures = await pool.query<{ error: string }>("select error from failures");
  wrong.push(
    ...failures.rows.map(({ error }) => `an attempt was used up by a fault of the surroundings: ${error}`),
  );
  return wrong.slice(0, CASES);
}

async function personsWrong(pool: Pool, expected: readonly Person[]): Promise<string[]> {
  const found = new Map<string, Person>();
  for (let after: string | undefined = ""; after !== undefined;) {
    const page = await listPersons(pool, {}, { limit: 1_000, after });
    for (const person of page.persons) found.set(person.entityId, person);
    after = page.next;
  }
  const wrong: string[] = [];
  for (const person of expected) {
    const { entityId } = person;
    if (!isDeepStrictEqual(found.get(entityId), person)) wrong.push(`person ${entityId} is not as simulated`);
    found.delete(entityId);
  }
  for (const entityId of found.keys()) wrong.push(`person ${entityId} was never simulated`);
  return wrong.slice(0, CASES);
}
