import { startProgress } from "@dossier/cli/terminal/progress";
import { poison, scenario } from "@dossier/simulator";
import {
  createBulkAction,
  confirmBulkAction,
  decideNextBatch,
  recordDeliveries,
  recordFailedAttempt,
  sealRecords,
  settle,
  snooze,
  type Pool,
} from "@dossier/store";
import { v7 } from "uuid";
import { toDelivery } from "../record.ts";

const BATCH = 1_000;
const WEBHOOKS_PER_DEAD_LETTER = 100;
const FAILING = 200;

/** The share of webhooks that are redeliveries. */
const DUPLICATES = 0.05;
const SHUFFLE = 0.1;

/**
 * Fills an empty record through the product's own write path: a log of this many webhooks, dead letters of several
 * reasons, failing deliveries, decisions. What services report of themselves, and the audit log, are made up, as of
 * the last days.
 */
export async function seed(pool: Pool, events: number): Promise<void> {
  await fillLog(pool, events);
  await addFailing(pool);
  await decide(pool);
  for (const statement of HISTORY) await pool.query(statement);
  await pool.query("vacuum (freeze, analyze)");
}

/** Records one batch while the one before is settled. */
async function fillLog(pool: Pool, count: number): Promise<void> {
  using progress = startProgress("webhooks recorded and settled", count);
  let settled: Promise<unknown> = Promise.resolve();
  let batch: Buffer[] = [];
  const write = async () => {
    const deliveries = batch.map(toDelivery);
    batch = [];
    await recordDeliveries(pool, deliveries);
    await settled;
    settled = settleAll(
      pool,
      deliveries.map(({ deliveryId }) => deliveryId),
    );
    progress.advance(deliveries.length);
  };
  for (const body of bodies(count)) {
    if (batch.push(body) === BATCH) await write();
  }
  await write();
  await settled;
}

/** Of mixed persons, with dead letters of several reasons among them. */
function* bodies(count: number): Generator<Buffer> {
  const options = { persons: count, seed: 1, duplicates: DUPLICATES, shuffle: SHUFFLE };
  const wrong = poison({ count, seed: 1 });
  const conflicts = scenario(options).conflicts[Symbol.iterator]();
  let n = 0;
  for (const { body } of Iterator.from(scenario(options).webhooks).take(count)) {
    yield body;
    if (++n % WEBHOOKS_PER_DEAD_LETTER !== 0) continue;
    const other = n % (2 * WEBHOOKS_PER_DEAD_LETTER) === 0 ? conflicts.next() : wrong.next();
    if (other.done !== true) yield other.value.body;
  }
}

/** A batch with large deliveries takes more than one transaction. */
async function settleAll(pool: Pool, deliveryIds: readonly string[]): Promise<void> {
  for (let left = deliveryIds; left.length > 0;) {
    const outcomes = await settle(pool, left, "bench");
    left = left.filter((deliveryId) => !outcomes.has(deliveryId));
  }
}

async function addFailing(pool: Pool): Promise<void> {
  const webhooks = scenario({ persons: FAILING, seed: 2, duplicates: 0, shuffle: 0 }).webhooks;
  const deliveries = Iterator.from(webhooks)
    .take(FAILING)
    .map(({ body }) => toDelivery(body))
    .toArray();
  await recordDeliveries(pool, deliveries);
  for (const [n, { deliveryId }] of deliveries.entries()) {
    const failure = { error: "the fold failed", stack: undefined, codeVersion: "bench" };
    // Not due before the benchmark has ended.
    const dueInMs = [86_400_000];
    await recordFailedAttempt(pool, { deliveryId, ...failure }, dueInMs);
    if (n % 2 === 0) await snooze(pool, deliveryId, "the person's stream is too long");
  }
}

/** The first bulk action is a redrive that is previewed; the second has discarded all dead letters of a reason. */
async function decide(pool: Pool): Promise<void> {
  const made = { reason: "A benchmark.", createdBy: "Ada" };
  await createBulkAction(pool, { ...made, action: "redrive", filter: { reason: "conflicting-duplicate" } });
  const id = await createBulkAction(pool, {
    ...made,
    action: "discard",
    filter: { reason: "invalid-event" },
  });
  await confirmBulkAction(pool, id, "Ada");
  const consoleId = v7();
  while ((await decideNextBatch(pool, consoleId)) !== undefined);
  while ((await sealRecords(pool)) > 0);
}

/** 30 days of minutes of an ingest and two workers, and 50,000 entries of the audit log. */
const HISTORY = [
  `insert into instances (instance_id, service, version, host, pid, stopped, jobs)
   select gen_random_uuid(), service, '0.1.0', 'bench', n, true, 0
   from unnest(array['ingest', 'worker', 'worker', 'console']) as service, generate_series(1, 5) as n`,
  `insert into instance_minutes (minute, service, instance_id, counts)
   select date_trunc('minute', now()) - n * interval '1 minute', service, instance_id,
     case service
       when 'ingest' then '{"webhook/accepted": 30000, "webhook/unauthenticated": 3, "webhook/too-large": 1}'::jsonb
       else '{"outcome/applied": 14000, "outcome/duplicate": 900, "outcome/dead-lettered": 100,
         "applied-within-ms/5": 3000, "applied-within-ms/10": 6000, "applied-within-ms/20": 4000,
         "applied-within-ms/50": 1000}'::jsonb
     end
   from generate_series(1, 30 * 1440) as n,
     (select service, instance_id from instances where service <> 'console' and pid = 1) as one`,
  `insert into audit_log (at, who, action, subject, reason)
   select now() - n * interval '1 minute', 'Ada', 'revealed', entity_id, 'A benchmark.'
   from (select entity_id, row_number() over () as n from natural_persons limit 50000) as persons`,
];
