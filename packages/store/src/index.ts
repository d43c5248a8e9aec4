export { migrate } from "./database/migrate.ts";
export { isOutage, mayBeOfTheWork } from "./database/outage.ts";
export { ensureServiceLogin, SERVICE_ROLE } from "./database/service-login.ts";
export { closePool, openPool, type Pool, type PoolOptions } from "./database/pool.ts";
export { discard, redrive, type Decision } from "./dead-letters/decide.ts";
export {
  findDeadLetter,
  findDelivery,
  type DeadLetterStory,
  type DeliveryStory,
} from "./dead-letters/find.ts";
export {
  countDeadLetters,
  listDeadLetters,
  pagesOfDeadLetters,
  type DeadLetterFilter,
  type DeadLetterSummary,
} from "./dead-letters/list.ts";
export { rehearse, type PersonChange, type Rehearsed } from "./dead-letters/rehearse.ts";
export { identityOf } from "./dead-letters/identity.ts";
export { findDeaths, type DeadLetter, type DeathReason } from "./dead-letters/dead-letter.ts";
export { backlog, type Backlog } from "./inbox/backlog.ts";
export { recordDeliveries, SWEEP_AFTER_SECONDS, type Delivery } from "./inbox/deliveries.ts";
export { bury, recordFailure, type Failure } from "./inbox/failures.ts";
export { groupCommit, Overloaded, type GroupCommit, type GroupCommitOptions } from "./inbox/group-commit.ts";
export { postpone } from "./inbox/postpone.ts";
export { takeDueDeliveries } from "./inbox/sweep.ts";
export { settle, type Settled } from "./log/settle.ts";
export { exportEvidence } from "./evidence/export.ts";
export type { Check, Finding, Misfit } from "./evidence/findings.ts";
export { verifyEvidence } from "./evidence/verify-file.ts";
export { verify, type Verification, type VerifyOptions } from "./evidence/verify.ts";
export { listEvents, type EventPage, type EventSend, type PersonEvent } from "./persons/events.ts";
export { findPerson, listPersons } from "./persons/find.ts";
export type { PersonFilter, PersonPage } from "./persons/query.ts";
export type { Difference } from "./persons/difference.ts";
export type { PersonRebuilt } from "./persons/rebuild-change.ts";
export { rebuild, type RebuildOptions, type RebuildProgress, type Rebuilt } from "./persons/rebuild.ts";
export { readChanges, type Change, type ChangePage } from "./feed/changes.ts";
export { watchChanges, type ChangeWatch } from "./feed/watch.ts";
export { stats, type Stats } from "./stats.ts";
