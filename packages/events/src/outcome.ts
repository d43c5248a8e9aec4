import type { PartialIdentity } from "./event.ts";
import type { Issue } from "./natural-person-events.ts";

/**
 * What an attempt to settle a delivery came to: the one type from the log to the job. docs/outcomes.md lists what leads
 * to each, and what follows.
 */
export type Outcome =
  /** It added an event to the log. */
  | { readonly kind: "applied" }
  /** The log has its event already, with equal data. */
  | { readonly kind: "duplicate" }
  /** It can never be settled as it is: an operator decides. */
  | { readonly kind: "dead-lettered"; readonly deadLetter: DeadLetter }
  /**
   * The attempt failed and was counted; the next one comes after `retryInMs` milliseconds. `error` is the error's class
   * and code, here and below.
   */
  | { readonly kind: "failed"; readonly error: string; readonly attempt: number; readonly retryInMs: number }
  /** Postgres settles other deliveries, but not this one. No attempt was used; the sweeper enqueues it later. */
  | { readonly kind: "snoozed"; readonly error: string }
  /** It is settled already, or locked by another worker. */
  | { readonly kind: "not-open" }
  /** The database never had it: its job is not of this installation, or forged. */
  | { readonly kind: "unknown" };

/** Outcomes by delivery id. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** Why a delivery can become a dead letter. */
export const DEAD_LETTER_REASONS = [
  "unparsable",
  "invalid-event",
  "conflicting-duplicate",
  "fold-failed",
  "stalled",
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** Why an operator must look at a delivery. Of its payload it holds ids and names of fields, and the message only ids. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  readonly message: string;
  /** Which fields of the payload are wrong, or differ. */
  readonly issues: readonly Issue[];
  /** The event's identity, as far as it could be parsed. */
  readonly identity?: PartialIdentity | undefined;
}

/** The bytes are not a JSON object in UTF-8. */
export function unparsable(message: string): DeadLetter {
  return { reason: "unparsable", message, issues: [] };
}

/** A field that identity, order or the event's type needs is missing or wrong. */
export function invalidEvent(issues: readonly Issue[], identity: PartialIdentity): DeadLetter {
  const message = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return { reason: "invalid-event", message, issues, identity };
}

/** The log has the event with other data, first by this delivery. */
export function conflictingDuplicate(
  { event, id, entityId }: PartialIdentity,
  firstDeliveryId: string,
): DeadLetter {
  return {
    reason: "conflicting-duplicate",
    message: `this event was received before with other data, as delivery ${firstDeliveryId}; the first stands`,
    issues: [],
    identity: { event, id, entityId },
  };
}

/**
 * Returns the class and the code of an error that is recorded as `CLASS CODE: message`. Its message may quote a payload,
 * so it is personal data.
 */
export function errorClass(error: string): string {
  return /^[\w$]+(?: [\w-]+)?(?=:|$)/.exec(error)?.[0] ?? "Error";
}

/** Every attempt to settle the delivery failed. */
export function foldFailed(
  attempts: number,
  lastError: string,
  identity: PartialIdentity | undefined,
): DeadLetter {
  const message = `attempts failed: ${attempts}, the last one with ${errorClass(lastError)}`;
  return { reason: "fold-failed", message, issues: [], identity };
}

/** Returns a dead letter's message without that of an error, which earlier versions recorded there, too. */
export function plainMessage({ reason, message }: Pick<DeadLetter, "reason" | "message">): string {
  const LAST = ", the last one with ";
  const at = reason === "fold-failed" ? message.indexOf(LAST) : -1;
  return at < 0 ? message : message.slice(0, at) + LAST + errorClass(message.slice(at + LAST.length));
}

/** Each worker that took the delivery stopped responding. Its bytes may be the cause, so they are not parsed. */
export function stalled(): DeadLetter {
  return {
    reason: "stalled",
    message: "each worker that took this delivery stopped responding",
    issues: [],
  };
}
