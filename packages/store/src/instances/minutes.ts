import { formatTicks, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** What all instances did in a minute, or in a span of several. */
export interface MinuteSums {
  /** When it began, as `formatTicks` writes it. */
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

/**
 * Returns what all instances did in each minute from `from` and before `to`. Leaves out minutes without counts.
 *
 * @param span.minutes how many minutes are summed, from a multiple of them since 1970. Default 1.
 */
export async function readMinutes(
  pool: Pool,
  { from, to, minutes = 1 }: { readonly from: Ticks; readonly to: Ticks; readonly minutes?: number },
): Promise<readonly MinuteSums[]> {
  const { rows } = await pool.query<{ ticks: bigint; counts: string }>({
    ...selectMinutes,
    values: [from, to, minutes],
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
export function percentiles(
  buckets: readonly (readonly [bound: number, count: number])[],
): Percentiles | null {
  const sorted = buckets.toSorted(([a], [b]) => a - b);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const boundOf = (percent: number) => {
    let counted = 0;
    return sorted.find(([, count]) => (counted += count) * 100 >= percent * total)?.[0];
  };
  const [p50, p99] = [boundOf(50), boundOf(99)];
  return p50 === undefined || p99 === undefined ? null : { p50, p99 };
}
