import { formatTicks, isKnownType, type Ticks } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";
import { boundedCount, COUNTED_UP_TO, type BoundedCount } from "./bounded-count.ts";

export type DecisionKind = "dead-letter" | "person-to-review" | "unknown-type" | "failing" | "snoozed";

/** Several of one kind that need a person. */
export interface DecisionNeeded extends BoundedCount {
  readonly kind: DecisionKind;
  /** A dead letter's reason, or an unknown event type; empty for other kinds. */
  readonly name: string;
  /** When the oldest was dead-lettered, or was received, or when the person's last event happened. */
  readonly oldestAt: string;
  /** `null` if there are too many to tell. */
  readonly newestAt: string | null;
}

interface Row {
  readonly kind: DecisionKind;
  readonly name: string;
  readonly count: bigint;
  readonly oldest: Ticks | null;
  readonly newest: Ticks | null;
}

const selectDecisionsNeeded = sqlFile("select_decisions_needed");

/** Returns what needs a person, dead letters by their reason and unknown event types by their name, the most first. */
export async function listDecisionsNeeded(pool: Pool): Promise<readonly DecisionNeeded[]> {
  const { rows } = await pool.query<Row>({ ...selectDecisionsNeeded, values: [COUNTED_UP_TO + 1] });
  const counted = (...kinds: readonly DecisionKind[]) =>
    rows.reduce((sum, { kind, count }) => sum + (kinds.includes(kind) ? count : 0n), 0n);
  // These kinds are read together, in the order of receipt.
  const cutOff: Partial<Record<DecisionKind, boolean>> = {
    "dead-letter": counted("dead-letter") > COUNTED_UP_TO,
    failing: counted("failing", "snoozed") > COUNTED_UP_TO,
    snoozed: counted("failing", "snoozed") > COUNTED_UP_TO,
  };
  return rows
    .filter(({ kind, name, count }) => count > 0n && !(kind === "unknown-type" && isKnownType(name)))
    .map(({ kind, name, count, oldest, newest }) => {
      const isCutOff = cutOff[kind] === true;
      const bounded = boundedCount(count);
      return {
        kind,
        name,
        count: bounded.count,
        isMore: bounded.isMore || isCutOff,
        oldestAt: formatTicks(oldest ?? 0n),
        newestAt: isCutOff || newest === null ? null : formatTicks(newest),
      };
    })
    .toSorted(
      (a, b) =>
        KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || b.count - a.count || (a.name < b.name ? -1 : 1),
    );
}

const KINDS: readonly DecisionKind[] = [
  "dead-letter",
  "person-to-review",
  "unknown-type",
  "failing",
  "snoozed",
];
