import type { DeliveryQueue } from "@dossier/queue";
import {
  listDecisionsNeeded,
  listInstances,
  listWaitingPersons,
  readHealth,
  type Pool,
  type StuckAfterHours,
} from "@dossier/store";
import { decisionsNeeded } from "./decisions-needed.ts";
import { healthStrip } from "./health-strip.ts";
import { stuckLongest, wherePersonsAre } from "./persons.ts";
import { refusedWebhooks } from "./refused-webhooks.ts";
import { welcome } from "./welcome.ts";

export const PARTS = ["health", "decisions", "refused", "persons", "stuck", "charts"] as const;

/** The parts of the worklist as HTML. All readers see the same: it has no personal data. */
export type Parts = Readonly<Record<(typeof PARTS)[number], string>>;

export interface WorklistSources {
  readonly pool: Pool;
  readonly queue: DeliveryQueue;
  readonly stuckAfterHours: StuckAfterHours;
  readonly charts: () => Promise<string>;
}

/** Of each step. */
const STUCK_LISTED = 2;

/** Instances that were not seen for so long are lost. */
const ALIVE_INSTANCES = { limit: 200, seenWithinSeconds: 30 };

/** Reads what the worklist shows. */
export async function readParts({ pool, queue, stuckAfterHours, charts }: WorklistSources): Promise<Parts> {
  const now = Date.now();
  const [health, needed, { counts, stuck }, instances, jobs, drawn] = await Promise.all([
    readHealth(pool),
    listDecisionsNeeded(pool),
    listWaitingPersons(pool, { stuckAfterHours, limit: STUCK_LISTED, now }),
    listInstances(pool, ALIVE_INSTANCES),
    queue.counts().catch(() => undefined),
    charts(),
  ]);
  const isNew = health.lastAcceptedAt === null;
  const parts = {
    health: healthStrip({
      health,
      instances: instances.items,
      queue: { backend: queue.backend, jobs },
      now,
    }),
    decisions: isNew ? welcome() : decisionsNeeded(needed, now),
    refused: refusedWebhooks(health.refused, now),
    persons: wherePersonsAre(counts),
    stuck: stuckLongest(stuck, now),
    charts: drawn,
  };
  return Object.fromEntries(
    await Promise.all(Object.entries(parts).map(async ([name, part]) => [name, String(await part)])),
  ) as Parts;
}
