export {
  appendAudit,
  appendAuditEntries,
  appendCommandAudit,
  AUDIT_ACTIONS,
  AUDIT_SOURCES,
  listAudit,
  type AuditAction,
  type AuditEntry,
  type AuditFilter,
  type AuditPosition,
  type NewAuditEntry,
} from "./audit.ts";
export {
  abortBulkAction,
  confirmBulkAction,
  createBulkAction,
  statusOf,
  type NewBulkAction,
} from "./bulk/actions.ts";
export {
  DECISION_BATCH_SIZE,
  decideNextBatch,
  recordQueueMissed,
  releaseBulkActions,
  type DecidedBatch,
} from "./bulk/batches.ts";
export {
  BULK_ACTION_STATES,
  findBulkAction,
  listBulkActions,
  listBulkFailures,
  sampleBulkAction,
  type BulkAction,
} from "./bulk/read.ts";
export { removeOldSets } from "./bulk/retention.ts";
export { readInstallationId } from "./database/installation.ts";
export { isOutage, isRetryable, mayConcernOneDelivery } from "./database/outage.ts";
export { closePool, openPool, type Pool, type PoolOptions } from "./database/pool.ts";
export { ensureRoles, type Roles } from "./database/roles.ts";
export { checkSchema, readSchemaLevel, type SchemaLevel } from "./database/schema-level.ts";
export { migrate, type Migrated } from "./database/migrate.ts";
export { checkServiceLogin, type ServiceLogin } from "./database/service-login.ts";
export type { RoleName } from "./database/grants.ts";
export type { LoginUrls } from "./database/logins.ts";
export { deadLetter } from "./dead-letters/dead-letter.ts";
export {
  countDeadLetters,
  countDeadLettersBounded,
  findDeadLettered,
  listDeadLetters,
  pageDeadLetters,
  type DeadLetterFilter,
  type DeadLetterStatus,
  type DeadLetterSummary,
} from "./dead-letters/find.ts";
export {
  DECIDE,
  discard,
  dryRunRedrive,
  redrive,
  restore,
  type Decision,
  type DecisionAction,
  type DryRunResult,
  type PersonChange,
} from "./dead-letters/redrive.ts";
export { sealRecords } from "./dead-letters/seals.ts";
export { exportEvidence } from "./evidence/export.ts";
export type { EvidenceCheck, Finding, Mismatch } from "./evidence/findings.ts";
export { findLastVerification, verifyPerson, type PersonVerification } from "./evidence/verify-person.ts";
export { verifyEvidenceFile } from "./evidence/verify-file.ts";
export {
  verifyEvidence,
  type EvidenceVerification,
  type FileProtection,
  type VerifyOptions,
} from "./evidence/verify.ts";
export { readChanges, type Change, type ChangeFilter, type ChangePage } from "./feed/changes.ts";
export { FEED_START, formatCursor, parseCursor, type Cursor } from "./feed/cursor.ts";
export { watchChanges, type ChangeWatch } from "./feed/positions.ts";
export { recordDeliveries, SWEEP_AFTER_SECONDS, type Delivery } from "./inbox/deliveries.ts";
export {
  findDeadLetter,
  findDelivery,
  findDeliveryIds,
  type DeliveryHistory,
  type DeliveryStatus,
} from "./inbox/delivery-history.ts";
export {
  listDeliveries,
  type DeliveryFilter,
  type DeliveryPage,
  type DeliverySummary,
} from "./inbox/delivery-page.ts";
export { FAILING_KINDS, listFailingDeliveries, type FailingDelivery } from "./inbox/failing-deliveries.ts";
export { findIdentity } from "./inbox/identity.ts";
export { readConnectionUse } from "./database/connection-use.ts";
export {
  countPersonDeliveries,
  listPersonDeliveries,
  listUnsettledDeliveries,
  type PersonDelivery,
} from "./inbox/person-deliveries.ts";
export {
  countBacklog,
  countStall,
  hasUnheldDeliveries,
  recordFailedAttempt,
  snooze,
  takeDueDeliveries,
  type Backlog,
  type FailedAttempt,
} from "./inbox/open-deliveries.ts";
export { readMinutes, type MinuteSums } from "./instances/minutes.ts";
export {
  INSTANCE_STATES,
  listInstances,
  PAUSE_REASONS,
  type InstancePage,
  type InstancePosition,
  type InstanceSummary,
  type PauseReason,
} from "./instances/read.ts";
export { removeOldReports, writeReport, type InstanceReport } from "./instances/report.ts";
export { listSecrets, SECRET_STATES, type SecretUse } from "./instances/secrets.ts";
export { keepLogin } from "./database/login.ts";
export { settle, type SettleObserver } from "./log/settle.ts";
export { listEvents, type EventDelivery, type EventPage, type PersonEvent } from "./persons/events.ts";
export {
  countPersons,
  findPerson,
  listPersons,
  listPersonsByWaiting,
  type PersonPage,
} from "./persons/find.ts";
export type { PersonFilter } from "./persons/selection.ts";
export { readTimeline, type Timeline, type TimelineEntry } from "./persons/timeline.ts";
export { findRebuildNeed, type RebuildNeed } from "./persons/rebuild-need.ts";
export {
  rebuild,
  type RebuildChange,
  type RebuildOptions,
  type RebuildProgress,
  type RebuildResult,
} from "./persons/rebuild.ts";
export { findRevealEnd, isRevealed, reveal, type NewReveal } from "./reveals.ts";
export {
  createSession,
  endSession,
  findSession,
  recordSessionUse,
  type SessionOwner,
  type SessionToken,
} from "./sessions.ts";
export { readStats, type Stats } from "./stats.ts";
export {
  createToken,
  findToken,
  hasTokens,
  listTokens,
  recordTokenUse,
  revokeToken,
  ROLES,
  TOKEN_STATES,
  type FoundToken,
  type NewToken,
  type Role,
  type TokenSummary,
} from "./tokens.ts";
export { COUNTED_UP_TO, countUnlessAll, type BoundedCount } from "./worklist/bounded-count.ts";
export { listDecisionsNeeded, type DecisionKind, type DecisionNeeded } from "./worklist/decisions-needed.ts";
export { readHealth, type Health, type RefusedWebhooks } from "./worklist/health.ts";
export {
  listWaitingPersons,
  stuckBefore,
  type StatusCount,
  type StuckAfterHours,
  type StuckStep,
} from "./worklist/waiting-persons.ts";
