import type { PartialIdentity } from "./event.ts";
import type { Issue } from "./natural-person-events.ts";

/** Why a delivery can become a dead letter. */
export const DEAD_LETTER_REASONS = [
  "unparsable",
  "invalid-event",
  "conflicting-duplicate",
  "fold-failed",
  "stalled",
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** What an operator must look at instead of an event. Holds nothing of the payload but ids. */
export interface DeadLetter {
  readonly reason: DeadLetterReason;
  readonly message: string;
  /** Which fields of the payload are wrong. */
  readonly issues: readonly Issue[];
  /** The event's identity, as far as the bytes could be parsed. */
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

/** The log has the event with other data. */
export function conflictingDuplicate({ event, id, entityId }: PartialIdentity): DeadLetter {
  return {
    reason: "conflicting-duplicate",
    message: "this event was received before with other data; the first stands",
    issues: [],
    identity: { event, id, entityId },
  };
}

/** Every attempt to settle the delivery failed. */
export function foldFailed(
  attempts: number,
  lastError: string,
  identity: PartialIdentity | undefined,
): DeadLetter {
  const message = `failed ${attempts} times, the last time with ${lastError}`;
  return { reason: "fold-failed", message, issues: [], identity };
}

/** Each worker that took the delivery stopped responding. Its bytes may be the cause, so they are not parsed. */
export function stalled(): DeadLetter {
  return {
    reason: "stalled",
    message: "each worker that took this delivery stopped responding",
    issues: [],
  };
}
