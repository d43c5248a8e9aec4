import type { JobResult } from "@dossier/queue";
import type { DeadLetter } from "@dossier/store";

/** What became of one delivery in one try. */
export type Outcome =
  | { readonly kind: "applied" }
  | { readonly kind: "duplicate" }
  /** It was not open: settled before, or in another worker's hands. */
  | { readonly kind: "not-open" }
  /** It can never be placed as it is; an operator must look. */
  | { readonly kind: "dead-lettered"; readonly letter: DeadLetter }
  /** It failed by a fault of its own or of this code, and is tried again. */
  | { readonly kind: "failed"; readonly error: string; readonly retryAfterMs: number }
  /** Postgres did not do it, and does other work: it stays open, with its attempts, and waits for the sweeper. */
  | { readonly kind: "snoozed"; readonly error: string };

export type Outcomes = ReadonlyMap<string, Outcome>;

type Death = Pick<DeadLetter, "reason" | "message">;

/**
 * What an outcome means for the job that a delivery has for itself: BullMQ's failed set mirrors the dead letters, and
 * its retries are the delivery's. See docs/outcomes.md.
 *
 * @param outcome `undefined` says no more than `not-open`
 * @param death why a delivery that is not open is dead, if it is
 */
export function jobResult(outcome: Outcome | undefined, death: Death | undefined): JobResult {
  switch (outcome?.kind) {
    case "applied":
    case "duplicate":
    case "snoozed":
      return { kind: "done" };
    case "failed":
      return { kind: "retry", error: outcome.error, delayMs: outcome.retryAfterMs };
    case "dead-lettered":
      return dead(outcome.letter);
    case "not-open":
    case undefined:
      return death === undefined ? { kind: "done" } : dead(death);
  }
}

const dead = ({ reason, message }: Death): JobResult => ({ kind: "dead", error: `${reason}: ${message}` });
