export {
  append,
  type Appended,
  type HashedEntry,
  type KnownEvent,
  type ParsedDelivery,
  type Stream,
} from "./append.ts";
export { CHAIN_START, chainHash, type Entry } from "./chain.ts";
export {
  changesHash,
  feedHash,
  sealHash,
  type FeedAppend,
  type SealedDeadLetter,
  type SealedDecision,
  type SealedRecord,
} from "./seal.ts";
export { dataDigest, deliveryDigest, type KeptDelivery } from "./digests.ts";
export {
  compareOrderKeys,
  compareText,
  fromLog,
  identityKey,
  type Event,
  type EventContent,
  type EventOrderKey,
  type PartialIdentity,
} from "./event.ts";
export { eventsAt, type EventWithDeliveries, type LoggedDelivery, type PointInTime } from "./events-at.ts";
export { evolve, FOLD_VERSION, initialState } from "./evolve.ts";
export { fold, foldInOrder, type Folded } from "./fold.ts";
export {
  canonicalJson,
  isJsonObject,
  MAX_DEPTH,
  parseJson,
  scalarText,
  type Json,
  type JsonObject,
} from "./json.ts";
export { diffJson, type JsonDifference } from "./json-diff.ts";
export {
  isKnownType,
  naturalPersonEvents,
  recognise,
  type Issue,
  type NaturalPersonEvent,
} from "./natural-person-events.ts";
export {
  conflictingDuplicate,
  DEAD_LETTER_REASONS,
  errorClass,
  foldFailed,
  plainMessage,
  stalled,
  type DeadLetter,
  type DeadLetterReason,
  type Outcome,
  type Outcomes,
} from "./outcome.ts";
export {
  err,
  MAX_ID_LENGTH,
  ok,
  parseDelivery,
  parsePartialIdentity,
  type ParsedEvent,
  type Result,
} from "./parse-delivery.ts";
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
export { shortTermPattern, toSearchable } from "./searchable.ts";
export {
  completeTime,
  formatTicks,
  parseTicks,
  TICKS_PER_MILLISECOND,
  TICKS_PER_SECOND,
  type Ticks,
} from "./ticks.ts";
export { upcast } from "./upcast.ts";
