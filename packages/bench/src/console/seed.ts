import { scenario } from "@dossier/simulator";
import {
  createBulkAction,
  confirmBulkAction,
  decideNextBatch,
  recordDeliveries,
  recordFailedAttempt,
  sealRecords,
  snooze,
  type Pool,
} from "@dossier/store";
import { v7 } from "uuid";
import { fillLog } from "../log.ts";
import { toDelivery } from "../record.ts";

const FAILING = 200;

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
