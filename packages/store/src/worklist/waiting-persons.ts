import { formatTicks, STATUSES, type Status } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { boundedCount, COUNTED_UP_TO, type BoundedCount } from "./bounded-count.ts";

/** How many persons have a status. */
export interface StatusCount extends BoundedCount {
  readonly status: Status;
}

/** A person who is not approved. */
export interface WaitingPerson {
  readonly entityId: string;
  readonly status: Status;
  readonly lastEventAt: string;
}

const selectWaitingPersons = sqlFile("select_waiting_persons");

/**
 * Returns how many persons have each status, in the order of the steps; and of each step before the approval the
 * `limit` persons whose last event is the oldest, the oldest of all first.
 */
export async function listWaitingPersons(
  pool: Pool,
  limit: number,
): Promise<{ readonly counts: readonly StatusCount[]; readonly waiting: readonly WaitingPerson[] }> {
  const { rows } = await pool.query<{ status: Status; count: bigint; waiting: string }>({
    ...selectWaitingPersons,
    values: [STATUSES, COUNTED_UP_TO + 1, limit],
  });
  const waiting = rows.flatMap(({ status, waiting }) =>
    (JSON.parse(waiting) as { entityId: string; ticks: string }[]).map(({ entityId, ticks }) => ({
      entityId,
      status,
      ticks: BigInt(ticks),
    })),
  );
  return {
    counts: rows
      .map(({ status, count }) => ({ status, ...boundedCount(count) }))
      .toSorted((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status)),
    waiting: waiting
      .toSorted((a, b) => (a.ticks < b.ticks ? -1 : 1))
      .map(({ ticks, ...person }) => ({ ...person, lastEventAt: formatTicks(ticks) })),
  };
}
