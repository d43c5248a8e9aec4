import { formatTicks, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** An instance that is not seen for so long is lost: it reports every 5 s. */
const LOST_AFTER_SECONDS = 30;

/** `stopped` by a clean shutdown; `lost` if it was killed, hangs, or cannot reach Postgres. */
export const INSTANCE_STATES = ["alive", "stopped", "lost"] as const;

/** What an instance last reported of itself. Times are as `formatTicks` writes them. */
export interface InstanceSummary {
  readonly instanceId: string;
  readonly service: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly state: (typeof INSTANCE_STATES)[number];
  readonly startedAt: string;
  readonly lastSeenAt: string;
  readonly stoppedAt: string | null;
  /** Why it does no work; `null` while it works. */
  readonly pausedBecause: string | null;
  readonly jobs: number;
  readonly rate: number;
}

/** Where a page of instances ends. */
export interface InstancePosition {
  readonly lastSeenTicks: bigint;
  readonly instanceId: string;
}

export interface InstancePage {
  readonly items: readonly InstanceSummary[];
  /** The last item's position; `undefined` if no further page follows. */
  readonly next: InstancePosition | undefined;
}

const selectInstances = sqlFile("select_instances");

/** Returns a page of the instances of the last 30 days, the last seen first, so that those alive come first. */
export async function listInstances(
  pool: Pool,
  { limit, after }: { readonly limit: number; readonly after?: InstancePosition | undefined },
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
    stopped_ticks: bigint | null;
    paused_because: string | null;
    jobs: number;
    rate: number;
  }>({
    ...selectInstances,
    values: [after?.lastSeenTicks, after?.instanceId, LOST_AFTER_SECONDS, limit],
  });
  const last = rows.length < limit ? undefined : rows.at(-1);
  return {
    items: rows.map(({ instance_id, started_ticks, last_seen_ticks, stopped_ticks, ...row }) => ({
      instanceId: instance_id,
      service: row.service,
      version: row.version,
      host: row.host,
      pid: row.pid,
      state: row.state,
      startedAt: formatTicks(started_ticks),
      lastSeenAt: formatTicks(last_seen_ticks),
      stoppedAt: stopped_ticks === null ? null : formatTicks(stopped_ticks),
      pausedBecause: row.paused_because,
      jobs: row.jobs,
      rate: row.rate,
    })),
    next: last && { lastSeenTicks: last.last_seen_ticks, instanceId: last.instance_id },
  };
}

/** What all instances did in a minute. */
export interface MinuteSums {
  /** When the minute began, as `formatTicks` writes it. */
  readonly minute: string;
  /** Webhooks that were accepted. */
  readonly accepted: number;
  /** Webhooks that were refused, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Attempts to settle a delivery, by outcome. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Milliseconds from the receipt of a delivery to the commit of its person's state; `null` if none was applied. */
  readonly receiptToStateMs: Percentiles | null;
}

/** Half of the values, and 99 of 100, were at most so much: the upper bound of a bucket. */
export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

const selectMinutes = sqlFile("select_minutes");

/** Returns what all instances did in each minute from `from` and before `to`. Leaves out minutes without counts. */
export async function readMinutes(
  pool: Pool,
  { from, to }: { readonly from: Ticks; readonly to: Ticks },
): Promise<readonly MinuteSums[]> {
  const { rows } = await pool.query<{ ticks: bigint; counts: string }>({
    ...selectMinutes,
    values: [from, to],
  });
  return rows.map(({ ticks, counts }) => ({
    minute: formatTicks(ticks),
    ...sumsOf(JSON.parse(counts) as Record<string, number>),
  }));
}

function sumsOf(counts: Readonly<Record<string, number>>): Omit<MinuteSums, "minute"> {
  const named = (prefix: string) =>
    Object.entries(counts).flatMap(([name, count]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), count] as const] : [],
    );
  const { accepted = 0, ...refused } = Object.fromEntries(named("webhook/"));
  return {
    accepted,
    refused,
    outcomes: Object.fromEntries(named("outcome/")),
    receiptToStateMs: percentiles(
      named("applied-within-ms/").map(([bound, count]) => [Number(bound), count]),
    ),
  };
}

/** @param buckets each with its upper bound and the number of values above the bound before */
function percentiles(buckets: readonly (readonly [bound: number, count: number])[]): Percentiles | null {
  const sorted = buckets.toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const boundOf = (share: number) => {
    let counted = 0;
    return sorted.find(([, count]) => (counted += count) >= share * total)?.[0];
  };
  const [p50, p99] = [boundOf(0.5), boundOf(0.99)];
  return p50 === undefined || p99 === undefined ? null : { p50, p99 };
}
