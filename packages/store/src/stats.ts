import { STATUSES, type Status } from "@dossier/events";
import type { Pool } from "./database/pool.ts";
import { statement } from "./database/statements.ts";
import type { DeathReason } from "./dead-letters/dead-letter.ts";
import { countDeadLetters } from "./dead-letters/list.ts";

/** What there is, and what waits. Numbers called `about…` are Postgres' own estimates, some minutes old. */
export interface Stats {
  readonly deliveries: {
    readonly open: number;
    /** How long the one that has waited longest has been open; `null` when none is. */
    readonly oldestOpenSeconds: number | null;
    readonly dead: number;
    readonly discarded: number;
    readonly aboutAll: number;
  };
  readonly deadLetters: Readonly<Partial<Record<DeathReason, number>>>;
  readonly naturalPersons: Readonly<Record<Status, number>>;
  readonly log: { readonly aboutEvents: number; readonly aboutResends: number };
}

const countDeliveries = statement("count_deliveries");
const countPersons = statement("count_persons");

/** Counts exactly what is open, dead or discarded, and the persons by status; estimates what only grows. */
export async function stats(pool: Pool): Promise<Stats> {
  const [deliveries, deadLetters, persons] = await Promise.all([
    pool.query<{
      open: bigint;
      oldest_open_seconds: number | null;
      dead: bigint;
      discarded: bigint;
      about_all: bigint;
      about_events: bigint;
      about_resends: bigint;
    }>(countDeliveries),
    countDeadLetters(pool, {}),
    pool.query<{ status: Status; count: bigint }>(countPersons),
  ]);
  const [row] = deliveries.rows;
  if (row === undefined) throw new Error("counting the deliveries gave no row");
  const byStatus = new Map(persons.rows.map(({ status, count }) => [status, Number(count)]));
  return {
    deliveries: {
      open: Number(row.open),
      oldestOpenSeconds: row.oldest_open_seconds,
      dead: Number(row.dead),
      discarded: Number(row.discarded),
      aboutAll: Number(row.about_all),
    },
    deadLetters,
    naturalPersons: Object.fromEntries(
      STATUSES.map((status) => [status, byStatus.get(status) ?? 0]),
    ) as Record<Status, number>,
    log: { aboutEvents: Number(row.about_events), aboutResends: Number(row.about_resends) },
  };
}
