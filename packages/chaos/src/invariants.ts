import { isDeepStrictEqual } from "node:util";
import type { Person } from "@dossier/events";
import { openQueue, type DeliveryQueue } from "@dossier/queue";
import { describeError } from "@dossier/service";
import {
  closePool,
  listPersons,
  openPool,
  readInstallationId,
  verifyEvidence,
  type Pool,
} from "@dossier/store";
import { waitFor } from "@dossier/testing";
import type { Answers } from "./client.ts";
import type { ChaosEnvironment } from "./environment.ts";
import { SETTLE_TIMEOUT_MS, type Workload } from "./workload.ts";

/** Liveness: without faults, all webhooks get accepted and settled, and the queue gets empty. Returns violations. */
export async function checkLiveness(
  { postgres, redis }: ChaosEnvironment,
  { bodies }: Workload,
  { accepted }: Answers,
): Promise<readonly string[]> {
  const violations: string[] = [];
  if (accepted.size < bodies.length)
    violations.push(
      `liveness: ${bodies.length - accepted.size} of ${bodies.length} webhooks were never accepted`,
    );
  const pool = openPool(postgres.url, { name: "chaos", size: 1 });
  const queue = openQueue(
    { redisUrl: redis.url, installationId: () => readInstallationId(pool) },
    { name: "chaos", timeoutMs: 5_000, onError: () => undefined },
  );
  try {
    // The servers may still be recovering.
    const probe = () => findOpenWork(pool, queue).catch((error: unknown) => describeError(error).message);
    await waitFor(probe, (left) => left === undefined, Date.now() + SETTLE_TIMEOUT_MS);
    return violations;
  } catch (error) {
    return [
      ...violations,
      `liveness: ${SETTLE_TIMEOUT_MS} ms after the last fault: ${describeError(error).message}`,
    ];
  } finally {
    await Promise.all([closePool(pool), queue.close()]);
  }
}

async function findOpenWork(pool: Pool, queue: DeliveryQueue): Promise<string | undefined> {
  const { waiting, active, delayed } = await queue.counts();
  const { rows } = await pool.query<{ open: number }>("select count(*)::int as open from open_deliveries");
  const open = rows[0]?.open ?? 0;
  if (open + waiting + active + delayed === 0) return undefined;
  return `${open} deliveries open, ${waiting} jobs waiting, ${active} active, ${delayed} delayed`;
}

type InvariantCheck = (pool: Pool, workload: Workload, answers: Answers) => Promise<readonly string[]>;

/** Each check returns the violations of one invariant. */
const SAFETY: Readonly<Record<string, InvariantCheck>> = {
  answers: async (_pool, _workload, { wrong }) => wrong,
  recording: (pool, _workload, answers) => checkRecording(pool, answers),
  settlement: checkSettlement,
  attempts: checkAttempts,
  persons: (pool, { persons }) => checkPersons(pool, persons),
  verify: async (pool) => (await verifyEvidence(pool)).findings.map((finding) => JSON.stringify(finding)),
};

const EXAMPLES = 5;

/** Safety: the record is right. Returns violations, a few examples for each invariant. */
export async function checkSafety(
  databaseUrl: string,
  workload: Workload,
  answers: Answers,
): Promise<readonly string[]> {
  const pool = openPool(databaseUrl, { name: "chaos", size: 2, timeoutMs: 120_000 });
  try {
    const violations: string[] = [];
    for (const [invariant, check] of Object.entries(SAFETY)) {
      const found = await check(pool, workload, answers);
      violations.push(...found.slice(0, EXAMPLES).map((violation) => `${invariant}: ${violation}`));
      if (found.length > EXAMPLES) violations.push(`${invariant}: ${found.length - EXAMPLES} more`);
    }
    return violations;
  } finally {
    await closePool(pool);
  }
}

/** Every accepted delivery is recorded byte for byte, and no other comes from nowhere. */
async function checkRecording(pool: Pool, { accepted, failed }: Answers): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string; body: Buffer }>(
    "select delivery_id, body from deliveries",
  );
  const recorded = new Map(rows.map(({ delivery_id, body }) => [delivery_id, body]));
  const violations: string[] = [];
  for (const [deliveryId, body] of accepted) {
    const kept = recorded.get(deliveryId);
    if (kept === undefined) violations.push(`delivery ${deliveryId} was accepted and is lost`);
    else if (!kept.equals(body)) violations.push(`delivery ${deliveryId} was accepted and has other bytes`);
  }
  // A request whose answer is lost may have been recorded.
  const unacknowledged = recorded.size - accepted.size;
  if (unacknowledged > failed)
    violations.push(`${failed} requests without a 200 made ${unacknowledged} deliveries`);
  return violations;
}

/** Every delivery is settled: a poisoned one as a dead letter with its reason, any other as applied or duplicate. */
async function checkSettlement(pool: Pool, { poison }: Workload): Promise<readonly string[]> {
  const reasons = new Map(poison.map(({ body, reason }) => [body.toString("base64"), reason]));
  const { rows } = await pool.query<{
    delivery_id: string;
    body: Buffer;
    settled_as: string | null;
    reason: string | null;
  }>(
    `select delivery_id, body, settled_as, dead_letters.reason from deliveries
     left join settlements using (delivery_id) left join dead_letters using (delivery_id)`,
  );
  const violations: string[] = [];
  for (const { delivery_id, body, settled_as, reason } of rows) {
    const expected = reasons.get(body.toString("base64"));
    const holds =
      expected === undefined
        ? (settled_as === "applied" || settled_as === "duplicate") && reason === null
        : settled_as === "dead-lettered" && reason === expected;
    if (!holds)
      violations.push(`delivery ${delivery_id} is ${settled_as ?? "open"} (${reason ?? "no dead letter"})`);
  }
  return violations;
}

/** No fault uses an attempt of a delivery. */
async function checkAttempts(pool: Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ delivery_id: string; error: string }>(
    "select delivery_id, error from failed_attempts",
  );
  return rows.map(({ delivery_id, error }) => `delivery ${delivery_id} used an attempt: ${error}`);
}

/** The projection has the simulated persons in their expected state, and no others. */
async function checkPersons(pool: Pool, expected: readonly Person[]): Promise<readonly string[]> {
  const found = new Map<string, Person>();
  for (let after: string | undefined = ""; after !== undefined;) {
    const page = await listPersons(pool, {}, { limit: 1_000, after });
    for (const person of page.persons) found.set(person.entityId, person);
    after = page.next;
  }
  const violations: string[] = [];
  for (const person of expected) {
    const { entityId } = person;
    if (!isDeepStrictEqual(found.get(entityId), person))
      violations.push(`person ${entityId} is not as simulated`);
    found.delete(entityId);
  }
  for (const entityId of found.keys()) violations.push(`person ${entityId} was never simulated`);
  return violations;
}
