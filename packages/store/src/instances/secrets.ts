import { formatTicks, TICKS_PER_SECOND, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { LOST_AFTER_SECONDS } from "./read.ts";

/**
 * `unused`: accepted, and no delivery used it yet. `in-use`: accepted. `safe-to-remove`: accepted, and another one has
 * verified deliveries for a day in which this one verified none. `removed`: no ingest that is alive accepts it.
 */
export const SECRET_STATES = ["unused", "in-use", "safe-to-remove", "removed"] as const;

/** What the record knows of a webhook secret. Times are as `formatTicks` writes them. */
export interface SecretUse {
  readonly fingerprint: string;
  readonly state: (typeof SECRET_STATES)[number];
  /** When the first delivery was received that it verified; `null` if there is none. */
  readonly firstUsedAt: string | null;
  readonly lastUsedAt: string | null;
}

/** Long enough for what iComply sends again, with the signature of then, and for a quiet night. */
const TAKEN_OVER_AFTER: Ticks = 86_400n * TICKS_PER_SECOND;

interface Row {
  readonly fingerprint: string;
  readonly is_accepted: boolean;
  readonly first_ticks: Ticks | null;
  readonly last_ticks: Ticks | null;
}

const selectSecrets = sqlFile("select_secrets");

/** Returns the webhook secrets that are accepted, or were ever used: those that no delivery used first, then the last used. */
export async function listSecrets(pool: Pool): Promise<readonly SecretUse[]> {
  const { rows } = await pool.query<Row>({ ...selectSecrets, values: [LOST_AFTER_SECONDS] });
  const format = (ticks: Ticks | null) => (ticks === null ? null : formatTicks(ticks));
  return rows.map((row) => ({
    fingerprint: row.fingerprint,
    state: stateOf(row, rows),
    firstUsedAt: format(row.first_ticks),
    lastUsedAt: format(row.last_ticks),
  }));
}

function stateOf({ is_accepted, last_ticks: last }: Row, all: readonly Row[]): SecretUse["state"] {
  if (!is_accepted) return "removed";
  if (last === null) return "unused";
  const hasSuccessor = all.some(
    ({ is_accepted: isAccepted, first_ticks: first, last_ticks: lastOfOther }) => {
      if (!isAccepted || first === null || lastOfOther === null) return false;
      // A single delivery, such as a test of the new secret, is no day.
      return lastOfOther - (first > last ? first : last) >= TAKEN_OVER_AFTER;
    },
  );
  return hasSuccessor ? "safe-to-remove" : "in-use";
}
