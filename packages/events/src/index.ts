export {
  append,
  type Appended,
  type HashedEntry,
  type KnownEvent,
  type ParsedDelivery,
  type Stream,
} from "./append.ts";
export { CHAIN_START, chainHash, type Entry } from "./chain.ts";
export { dataDigest } from "./data-digest.ts";
export { deliveryDigest, type KeptDelivery } from "./delivery-digest.ts";
export { MAX_ID_LENGTH, parseDelivery, type ParsedEvent } from "./parse-delivery.ts";
export { fromLog, identityKey, type Event, type EventContent, type PartialIdentity } from "./event.ts";
export { evolve, initialState } from "./evolve.ts";
export { fold, foldInOrder, type Folded } from "./fold.ts";
export { eventsAt, type EventWithDeliveries, type LoggedDelivery, type PointInTime } from "./events-at.ts";
export { canonicalJson, MAX_DEPTH, parseJson, type Json, type JsonObject } from "./json.ts";
export { diffJson, type JsonDifference } from "./json-diff.ts";
export {
  conflictingDuplicate,
  DEAD_LETTER_REASONS,
  foldFailed,
  stalled,
  type DeadLetter,
  type DeadLetterReason,
} from "./dead-letter.ts";
export type { Outcome, Outcomes } from "./outcome.ts";
export {
  isKnownType,
  naturalPersonEvents,
  recognise,
  type Issue,
  type NaturalPersonEvent,
} from "./natural-person-events.ts";
export { compareOrderKeys, compareText, type EventOrderKey } from "./order.ts";
export {
  STATUSES,
  toPerson,
  type Approval,
  type IdentityDocument,
  type Person,
  type PersonState,
  type Status,
  type SupportingDocument,
} from "./person.ts";
export { err, ok, type Result } from "./result.ts";
export { formatTicks, parseTicks, TICKS_PER_MILLISECOND, TICKS_PER_SECOND, type Ticks } from "./ticks.ts";
export { upcast } from "./upcast.ts";
