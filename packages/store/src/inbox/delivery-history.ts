import {
  formatTicks,
  plainMessage,
  type DeadLetterReason,
  type Issue,
  type PartialIdentity,
} from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { sql, sqlFile } from "../database/statements.ts";
import { parseIdentity } from "./identity.ts";
import { toOpenState, type OpenState, type OpenStateRow } from "./open-state.ts";

export type DeliveryStatus = "open" | "applied" | "duplicate" | "dead-lettered" | "discarded";

/** A delivery, with all that happened to it, each in the order in which it happened. */
export interface DeliveryHistory {
  readonly deliveryId: string;
  /** `open` until it is settled, and again after a redrive. */
  readonly status: DeliveryStatus;
  /** The event's identity, as far as the bytes can be parsed; `null` for one that may have stopped a worker. */
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly receivedAt: string;
  /** `null` while it is open. */
  readonly settledAt: string | null;
  /** `null` once it is settled. */
  readonly open: OpenState | null;
  /** What it added to the person's log; `null` if nothing. */
  readonly entry: LogEntry | null;
  /** The exact bytes, which hold personal data. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
  readonly deadLetters: readonly DeadLetterRecord[];
  readonly failedAttempts: readonly FailedAttemptRecord[];
  readonly decisions: readonly RecordedDecision[];
}

export interface LogEntry {
  readonly kind: "event" | "redelivery";
  /** Its number in the person's log. */
  readonly seq: number;
}

export interface DeadLetterRecord {
  readonly reason: DeadLetterReason;
  readonly message: string;
  readonly issues: readonly Issue[];
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly deadLetteredAt: string;
  readonly codeVersion: string;
}

export interface FailedAttemptRecord {
  readonly attempt: number;
  readonly failedAt: string;
  readonly error: string;
  readonly stack: string | null;
  readonly codeVersion: string;
}

export interface RecordedDecision {
  readonly action: "redrive" | "discard" | "restore";
  /** The name of the token that it was made with. */
  readonly decidedBy: string;
  readonly reason: string;
  readonly at: string;
}

/** Returns the history of a delivery that was dead-lettered at least once; `undefined` for any other. */
export async function findDeadLetter(pool: Pool, deliveryId: string): Promise<DeliveryHistory | undefined> {
  const history = await findDelivery(pool, deliveryId);
  return history !== undefined && history.deadLetters.length > 0 ? history : undefined;
}

const selectDelivery = sqlFile("select_delivery");
const selectEntry = sqlFile("select_delivery_entry");
const selectDeadLetters = sqlFile("select_delivery_dead_letters");
const selectFailedAttempts = sqlFile("select_failed_attempts");
const selectDecisions = sqlFile("select_decisions");

/**
 * Returns a delivery's history; `undefined` if there is no delivery with this id.
 *
 * @param deliveryId a UUID: Postgres throws at anything else
 */
export async function findDelivery(pool: Pool, deliveryId: string): Promise<DeliveryHistory | undefined> {
  const values = [deliveryId];
  const [deliveries, deadLetters, failedAttempts, decisions] = await Promise.all([
    pool.query<HistoryRow>({ ...selectDelivery, values }),
    pool.query<DeadLetterRow>({ ...selectDeadLetters, values }),
    pool.query<FailedAttemptRow>({ ...selectFailedAttempts, values }),
    pool.query<DecisionRow>({ ...selectDecisions, values }),
  ]);
  const [delivery] = deliveries.rows;
  if (delivery === undefined) return undefined;
  const isLogged = delivery.settled_as === "applied" || delivery.settled_as === "duplicate";
  const hasStalled =
    (delivery.stalls ?? 0) > 0 || deadLetters.rows.some(({ reason }) => reason === "stalled");
  // A worker has parsed what is in the log.
  const identity = isLogged || !hasStalled ? parseIdentity(delivery.body) : undefined;
  return {
    deliveryId,
    status: delivery.settled_as ?? "open",
    event: identity?.event ?? null,
    id: identity?.id ?? null,
    entityId: identity?.entityId ?? null,
    receivedAt: formatTicks(delivery.received_ticks),
    settledAt: delivery.settled_ticks === null ? null : formatTicks(delivery.settled_ticks),
    open: delivery.attempts === null ? null : toOpenState(delivery),
    entry: await findEntry(pool, deliveryId, identity),
    body: delivery.body,
    headers: JSON.parse(delivery.headers) as Record<string, string>,
    verifiedBy: delivery.verified_by,
    secretFingerprint: delivery.secret_fingerprint,
    deadLetters: deadLetters.rows.map(
      ({ issues, entity_id: entityId, dead_lettered_ticks, code_version: codeVersion, ...others }) => ({
        ...others,
        message: plainMessage(others),
        issues: JSON.parse(issues) as Issue[],
        entityId,
        deadLetteredAt: formatTicks(dead_lettered_ticks),
        codeVersion,
      }),
    ),
    failedAttempts: failedAttempts.rows.map(({ failed_ticks, code_version: codeVersion, ...others }) => ({
      ...others,
      failedAt: formatTicks(failed_ticks),
      codeVersion,
    })),
    decisions: decisions.rows.map(({ decided_by: decidedBy, decided_ticks, ...others }) => ({
      ...others,
      decidedBy,
      at: formatTicks(decided_ticks),
    })),
  };
}

async function findEntry(
  pool: Pool,
  deliveryId: string,
  identity: PartialIdentity | undefined,
): Promise<LogEntry | null> {
  const values = [identity?.entityId, identity?.event, identity?.id, deliveryId];
  const { rows } = await pool.query<{ kind: LogEntry["kind"]; seq: bigint }>({ ...selectEntry, values });
  return rows[0] === undefined ? null : { kind: rows[0].kind, seq: Number(rows[0].seq) };
}

type HistoryRow = RecordedRow & (OpenStateRow | { readonly attempts: null; readonly stalls: null });

interface RecordedRow {
  readonly body: Buffer;
  readonly headers: string;
  readonly verified_by: string;
  readonly secret_fingerprint: string;
  readonly settled_as: Exclude<DeliveryStatus, "open"> | null;
  readonly received_ticks: bigint;
  readonly settled_ticks: bigint | null;
}

interface DeadLetterRow extends Pick<DeadLetterRecord, "reason" | "message" | "event" | "id"> {
  readonly issues: string;
  readonly entity_id: string | null;
  readonly code_version: string;
  readonly dead_lettered_ticks: bigint;
}

interface FailedAttemptRow extends Pick<FailedAttemptRecord, "attempt" | "error" | "stack"> {
  readonly code_version: string;
  readonly failed_ticks: bigint;
}

interface DecisionRow extends Pick<RecordedDecision, "action" | "reason"> {
  readonly decided_by: string;
  readonly decided_ticks: bigint;
}

const selectIds = sql(
  "select_delivery_ids",
  "select delivery_id from deliveries where delivery_id = any($1)",
);

/** Returns those of the ids that are deliveries'. */
export async function findDeliveryIds(pool: Pool, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const possible = ids.filter((id) => UUID.test(id));
  if (possible.length === 0) return new Set();
  const { rows } = await pool.query<{ delivery_id: string }>({ ...selectIds, values: [possible] });
  return new Set(rows.map((row) => row.delivery_id));
}

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;
