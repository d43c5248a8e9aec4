import { formatTicks } from "@dossier/events";
import { endOfPage } from "../database/page.ts";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** An instance that is not seen for so long is lost: it reports every 5 s. */
export const LOST_AFTER_SECONDS = 30;

/** `stopped` by a clean shutdown; `lost` if it was killed, hangs, or cannot reach Postgres. */
export const INSTANCE_STATES = ["alive", "stopped", "lost"] as const;

/** Why an instance does no work. Its own log says more, which may name addresses and users. */
export const PAUSE_REASONS = ["postgres-unavailable", "queue-unavailable"] as const;
export type PauseReason = (typeof PAUSE_REASONS)[number];

/** What an instance last reported of itself. Times are as `formatTicks` writes them. */
export interface InstanceSummary {
  readonly instanceId: string;
  readonly service: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly state: (typeof INSTANCE_STATES)[number];
  /** When it first reported itself. */
  readonly startedAt: string;
  readonly lastSeenAt: string;
  readonly stoppedAt: string | null;
  /** Why it does no work; `null` while it works. */
  readonly pausedBecause: PauseReason | null;
  readonly jobs: number;
  /** `null` for the console, which counts nothing. */
  readonly rate: number | null;
  /** What may be shown of its configuration, by the variable's name. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Where a page of instances ends. */
export interface InstancePosition {
  readonly startedTicks: bigint;
  readonly instanceId: string;
}

export interface InstancePage {
  readonly items: readonly InstanceSummary[];
  /** The last item's position; `undefined` if no further page follows. */
  readonly next: InstancePosition | undefined;
}

const selectInstances = sqlFile("select_instances");

export interface InstanceListOptions {
  readonly limit: number;
  readonly after?: InstancePosition | undefined;
  /** Leaves out instances that were last seen before. Default: none of the last 30 days. */
  readonly seenWithinSeconds?: number | undefined;
}

/** Returns a page of instances, the last started first: an order that stays while they report themselves. */
export async function listInstances(
  pool: Pool,
  { limit, after, seenWithinSeconds }: InstanceListOptions,
): Promise<InstancePage> {
  const { rows } = await pool.query<{
    instance_id: string;
    service: string;
    version: string;
    host: string;
    pid: number;
    state: InstanceSummary["state"];
    started_ticks: bigint;
    last_seen_ticks: bigint;
    paused_because: PauseReason | null;
    jobs: number;
    rate: number | null;
    settings: string;
  }>({
    ...selectInstances,
    values: [after?.startedTicks, after?.instanceId, seenWithinSeconds, LOST_AFTER_SECONDS, limit],
  });
  const last = endOfPage(rows, limit);
  return {
    items: rows.map(({ instance_id, started_ticks, last_seen_ticks, ...row }) => ({
      instanceId: instance_id,
      service: row.service,
      version: row.version,
      host: row.host,
      pid: row.pid,
      state: row.state,
      startedAt: formatTicks(started_ticks),
      lastSeenAt: formatTicks(last_seen_ticks),
      stoppedAt: row.state === "stopped" ? formatTicks(last_seen_ticks) : null,
      pausedBecause: row.paused_because,
      jobs: row.jobs,
      rate: row.rate,
      settings: JSON.parse(row.settings) as InstanceSummary["settings"],
    })),
    next: last && { startedTicks: last.started_ticks, instanceId: last.instance_id },
  };
}
