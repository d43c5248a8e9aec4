import { formatTicks } from "@dossier/events";

/** What an open delivery came to so far. Times are as `formatTicks` writes them. */
export interface OpenState {
  /** Attempts used since it was opened; outages and snoozes use none. */
  readonly attempts: number;
  /** How often a worker began to settle it alone since an attempt last ended. */
  readonly stalls: number;
  /** When the sweeper enqueues it, unless a job of its own settles it before. */
  readonly nextAttemptBy: string;
  /** `null` unless its last attempt ended in a snooze. */
  readonly snoozedUntil: string | null;
  /** Of the last attempt or snooze: class, code and message. Holds nothing of the payload. */
  readonly lastError: string | null;
}

/** The columns that `toOpenState` reads. */
export interface OpenStateRow {
  readonly attempts: number;
  readonly stalls: number;
  readonly due_ticks: bigint;
  readonly snoozed_ticks: bigint | null;
  readonly snooze_error: string | null;
  /** Of the last failed attempt since it was opened. */
  readonly error: string | null;
}

export function toOpenState(row: OpenStateRow): OpenState {
  return {
    attempts: row.attempts,
    stalls: row.stalls,
    nextAttemptBy: formatTicks(row.due_ticks),
    snoozedUntil: row.snoozed_ticks === null ? null : formatTicks(row.snoozed_ticks),
    lastError: row.snooze_error ?? row.error,
  };
}
