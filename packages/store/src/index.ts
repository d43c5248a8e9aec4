export { migrate } from "./database/migrate.ts";
export { isOutage, mayConcernOneDelivery } from "./database/outage.ts";
export { ensureServiceLogin, SERVICE_ROLE } from "./database/service-login.ts";
export { closePool, openPool, type Pool, type PoolOptions } from "./database/pool.ts";
export { discard, redrive, type Decision } from "./dead-letters/decide.ts";
export { findDeadLetter, findDelivery, type DeliveryHistory } from "./dead-letters/find.ts";
export {
  countDeadLetters,
  listDeadLetters,
  pagesOfDeadLetters,
  type DeadLetterFilter,
  type DeadLetterSummary,
} from "./dead-letters/list.ts";
export { dryRunRedrive, type PersonChange, type DryRunResult } from "./dead-letters/dry-run.ts";
export { identityOf } from "./dead-letters/identity.ts";
export { deadLetter, findDeadLettered } from "./dead-letters/dead-letter.ts";
export { backlog, type Backlog } from "./inbox/backlog.ts";
export { recordDeliveries, SWEEP_AFTER_SECONDS, type Delivery } from "./inbox/deliveries.ts";
export { recordFailedAttempt, type FailedAttempt } from "./inbox/failed-attempts.ts";
export { snooze } from "./inbox/snooze.ts";
export { takeDueDeliveries } from "./inbox/sweep.ts";
export { settle } from "./log/settle.ts";
export { exportEvidence } from "./evidence/export.ts";
export type { Check, Finding, Mismatch } from "./evidence/findings.ts";
export { verifyEvidence } from "./evidence/verify-file.ts";
export { verify, type Verification, type VerifyOptions } from "./evidence/verify.ts";
export { listEvents, type EventPage, type EventDelivery, type PersonEvent } from "./persons/events.ts";
export { findPerson, listPersons } from "./persons/find.ts";
export type { PersonFilter, PersonPage } from "./persons/query.ts";
export type { Difference } from "./persons/difference.ts";
export type { RebuildChange } from "./persons/rebuild-change.ts";
export { rebuild, type RebuildOptions, type RebuildProgress, type RebuildResult } from "./persons/rebuild.ts";
export { readChanges, type Change, type ChangePage } from "./feed/changes.ts";
export { watchChanges, type ChangeWatch } from "./feed/watch.ts";
export { stats, type Stats } from "./stats.ts";
