import type { DeadLetter } from "./dead-letter.ts";

/**
 * What an attempt to settle a delivery came to: the one type from the log to the job. docs/outcomes.md says what
 * leads to each, and what follows from it.
 */
export type Outcome =
  /** It added an event to the log. */
  | { readonly kind: "applied" }
  /** The log has its event already, with equal data. */
  | { readonly kind: "duplicate" }
  /** It can never be settled as it is: an operator decides. */
  | { readonly kind: "dead-lettered"; readonly deadLetter: DeadLetter }
  /** The attempt failed and was counted; the next one comes after `retryInMs` milliseconds. */
  | { readonly kind: "failed"; readonly error: string; readonly attempt: number; readonly retryInMs: number }
  /** Postgres settles other deliveries, but not this one. No attempt was used; the sweeper enqueues it later. */
  | { readonly kind: "snoozed"; readonly error: string }
  /** It is settled already, or locked by another worker. */
  | { readonly kind: "not-open" };

/** Outcomes by delivery id. */
export type Outcomes = ReadonlyMap<string, Outcome>;
