/** What a console shows beside persons: what runs, how fast, what was refused, and what is tried again. */
import { eventBody } from "@dossier/store/fixtures";
import type { Dossier } from "../browser/dossier.ts";
import { FAILED_YESTERDAY } from "./story.ts";

const DAY_MINUTES = 24 * 60;

/** A day of minutes, with a busy afternoon, in place of those of the story, which was told within one. */
export async function fillMinutes({ rows }: Dossier): Promise<void> {
  await rows("delete from instance_minutes");
  const minutes = Array.from({ length: DAY_MINUTES }, (_, ago) => {
    const wave = 1 + Math.sin((ago / DAY_MINUTES) * 2 * Math.PI + 2) + 0.3 * Math.sin(ago / 7);
    const count = Math.max(1, Math.round(220 * wave));
    const slow = Math.round(count * (ago % 97 < 6 ? 0.05 : 0.004));
    return {
      ago: ago + 1,
      ingest: { "webhook/accepted": count, ...(ago === 41 && { "webhook/unauthenticated": 3 }) },
      worker: {
        "outcome/applied": count,
        "applied-within-ms/20": count - 2 * slow,
        "applied-within-ms/50": slow,
        "applied-within-ms/200": slow,
      },
    };
  });
  for (const service of ["ingest", "worker"] as const)
    await rows(
      `insert into instance_minutes (minute, service, instance_id, counts)
       select date_trunc('minute', now()) - ago * interval '1 minute', $1, gen_random_uuid(), counts
       from unnest($2::int[], $3::jsonb[]) as told (ago, counts)`,
      [service, minutes.map(({ ago }) => ago), minutes.map((one) => JSON.stringify(one[service]))],
    );
}

/**
 * A delivery that failed for good, one that has failed twice, and one that is snoozed. None is due before the last
 * picture: settled by then, it would be missing from the lists, and minutes old in the chart.
 */
export async function tellOpen({ rows, record, recordDeadLetter }: Dossier): Promise<void> {
  await recordDeadLetter(FAILED_YESTERDAY, "TypeError: Cannot read properties of undefined");
  const [failing, snoozed] = await record(eventBody("5f0c2a90-failing"), eventBody("5f0c2a91-snoozed"));
  await rows(
    `update open_deliveries set attempts = 2, due_at = now() + interval '57 minutes' where delivery_id = $1`,
    [failing],
  );
  await rows(
    `insert into failed_attempts (delivery_id, attempt, error, stack, code_version)
     select $1, n, 'TypeError: cannot read the document type', '    at evolve (evolve.ts:41:12)', '0.1.0'
     from generate_series(1, 2) as n`,
    [failing],
  );
  await rows(
    `update open_deliveries set snoozed_until = now() + interval '54 minutes', due_at = now() + interval '54 minutes',
       snooze_error = 'statement timeout while waiting for the person''s lock' where delivery_id = $1`,
    [snoozed],
  );
  // The secret before the last rotation.
  await rows("alter table deliveries disable trigger user");
  await rows(
    "update deliveries set secret_fingerprint = 'sha256:7d0f3a91c2b84e65' where secret_fingerprint = 'sha256:0'",
  );
  await rows("alter table deliveries enable trigger user");
}

/** A bulk action that is running. Another console holds it, so that this one carries out none from now on. */
export async function tellRunning({ rows }: Dossier): Promise<void> {
  await rows(`insert into bulk_actions
      (action, filter, reason, total, created_by, state, confirmed_by, confirmed_at, decided, held_by, held_until)
    values ('discard', '{"reason": "unparsable"}', 'ticket 4710: cut off by a proxy', 1200,
      'Grace Hopper', 'running', 'Ada Lovelace', now(), 740, gen_random_uuid(), now() + interval '1 day')`);
  await rows(`insert into bulk_action_deliveries (bulk_action_id, dead_letter_id, delivery_id)
    select max(bulk_action_id), dead_letter_id, delivery_id from bulk_actions, dead_letters
    where dead_letters.reason = 'unparsable' group by dead_letter_id, delivery_id`);
}
