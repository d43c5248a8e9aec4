import { formatTicks, STATUSES, TICKS_PER_SECOND, type Status, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { boundedCount, COUNTED_UP_TO, type BoundedCount } from "./bounded-count.ts";

/** How many persons have a status. */
export interface StatusCount extends BoundedCount {
  readonly status: Status;
}

/** The steps in which a person waits for the next one. */
type WaitingStatus = Exclude<Status, "unknown" | "approved">;

/** For how many hours a person may be without an event in each step. Later they are stuck. */
export type StuckAfterHours = Readonly<Record<WaitingStatus, number>>;

/** The persons who are stuck in a step: how many, and those whose last event is the oldest. */
export interface StuckStep extends BoundedCount {
  readonly status: WaitingStatus;
  readonly afterHours: number;
  readonly longest: readonly { readonly entityId: string; readonly lastEventAt: string }[];
}

/** Before when the last event of a person who is stuck in a step was. `now` is in milliseconds since 1970. */
export function stuckBefore(stuckAfterHours: StuckAfterHours, now: number): ReadonlyMap<Status, Ticks> {
  const seconds = BigInt(Math.floor(now / 1_000));
  const steps = Object.entries(stuckAfterHours) as [WaitingStatus, number][];
  return new Map(
    steps.map(([status, hours]) => [status, (seconds - BigInt(hours * 3_600)) * TICKS_PER_SECOND]),
  );
}

const selectWaitingPersons = sqlFile("select_waiting_persons");

/**
 * Returns how many persons have each status, and who is stuck, in the order of the steps. Steps in which nobody is stuck
 * are left out.
 *
 * @param options.limit how many stuck persons of each step are named
 * @param options.now in milliseconds since 1970
 */
export async function listWaitingPersons(
  pool: Pool,
  options: { readonly stuckAfterHours: StuckAfterHours; readonly limit: number; readonly now: number },
): Promise<{ readonly counts: readonly StatusCount[]; readonly stuck: readonly StuckStep[] }> {
  const { stuckAfterHours, limit, now } = options;
  const limits = stuckBefore(stuckAfterHours, now);
  const before = STATUSES.map((status) => limits.get(status));
  const { rows } = await pool.query<{ status: Status; count: bigint; stuck: bigint; longest: string }>({
    ...selectWaitingPersons,
    values: [STATUSES, before, COUNTED_UP_TO + 1, limit],
  });
  const inOrder = rows.toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status));
  return {
    counts: inOrder.map(({ status, count }) => ({ status, ...boundedCount(count) })),
    stuck: inOrder.flatMap(({ status, stuck, longest }) =>
      isWaiting(status) && stuck > 0n
        ? [
            {
              status,
              afterHours: stuckAfterHours[status],
              ...boundedCount(stuck),
              longest: (JSON.parse(longest) as { entityId: string; ticks: string }[]).map(
                ({ entityId, ticks }) => ({ entityId, lastEventAt: formatTicks(BigInt(ticks)) }),
              ),
            },
          ]
        : [],
    ),
  };
}

function isWaiting(status: Status): status is WaitingStatus {
  return status !== "unknown" && status !== "approved";
}
