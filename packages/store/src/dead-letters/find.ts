import { formatTicks, type DeadLetterReason, type Issue } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** A delivery, with all that happened to it. */
export interface DeliveryHistory {
  readonly deliveryId: string;
  /** How it stands now: `dead`, `discarded`, settled after all, or `open` again. */
  readonly outcome: "open" | "applied" | "duplicate" | "dead-lettered" | "discarded";
  readonly receivedAt: string;
  /** The exact bytes, which hold personal data. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
  readonly deadLetters: readonly DeadLetterRecord[];
  readonly attempts: readonly Attempt[];
  readonly decisions: readonly RecordedDecision[];
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

export interface Attempt {
  readonly attempt: number;
  readonly failedAt: string;
  readonly error: string;
  readonly stack: string | null;
  readonly codeVersion: string;
}

export interface RecordedDecision {
  readonly action: "redrive" | "discard";
  readonly operator: string;
  readonly reason: string;
  readonly at: string;
}

const selectDelivery = statement("select_delivery");
const selectDeliveryDeadLetters = statement("select_delivery_dead_letters");
const selectFailedAttempts = statement("select_failed_attempts");
const selectDecisions = statement("select_decisions");

/** The story of a delivery that died at least once, whatever became of it; `undefined` for any other. */
export async function findDeadLetter(pool: Pool, deliveryId: string): Promise<DeliveryHistory | undefined> {
  const story = await findDelivery(pool, deliveryId);
  return story !== undefined && story.deadLetters.length > 0 ? story : undefined;
}

/**
 * The story of any delivery; `undefined` where there is none of this id.
 *
 * @param deliveryId a UUID: Postgres throws at anything else
 */
export async function findDelivery(pool: Pool, deliveryId: string): Promise<DeliveryHistory | undefined> {
  const [delivery, deadLetters, attempts, decisions] = await Promise.all([
    pool.query<DeliveryRow>({ ...selectDelivery, values: [deliveryId] }),
    pool.query<DeadLetterRow>({ ...selectDeliveryDeadLetters, values: [deliveryId] }),
    pool.query<FailureRow>({ ...selectFailedAttempts, values: [deliveryId] }),
    pool.query<ActionRow>({ ...selectDecisions, values: [deliveryId] }),
  ]);
  const [row] = delivery.rows;
  if (row === undefined) return undefined;
  return {
    deliveryId,
    outcome: row.outcome ?? "open",
    receivedAt: formatTicks(row.received_ticks),
    body: row.body,
    headers: JSON.parse(row.headers) as Record<string, string>,
    verifiedBy: row.verified_by,
    secretFingerprint: row.secret_fingerprint,
    deadLetters: deadLetters.rows.map(
      ({ issues, entity_id, dead_lettered_ticks, code_version, ...death }) => ({
        ...death,
        issues: JSON.parse(issues) as Issue[],
        entityId: entity_id,
        deadLetteredAt: formatTicks(dead_lettered_ticks),
        codeVersion: code_version,
      }),
    ),
    attempts: attempts.rows.map(({ failed_ticks, code_version, ...attempt }) => ({
      ...attempt,
      failedAt: formatTicks(failed_ticks),
      codeVersion: code_version,
    })),
    decisions: decisions.rows.map(({ decided_ticks, ...action }) => ({
      ...action,
      at: formatTicks(decided_ticks),
    })),
  };
}

interface DeliveryRow {
  readonly body: Buffer;
  readonly headers: string;
  readonly verified_by: string;
  readonly secret_fingerprint: string;
  readonly outcome: Exclude<DeliveryHistory["outcome"], "open"> | null;
  readonly received_ticks: bigint;
}

interface DeadLetterRow {
  readonly reason: DeadLetterReason;
  readonly message: string;
  readonly issues: string;
  readonly event: string | null;
  readonly id: string | null;
  readonly entity_id: string | null;
  readonly code_version: string;
  readonly dead_lettered_ticks: bigint;
}

interface FailureRow {
  readonly attempt: number;
  readonly error: string;
  readonly stack: string | null;
  readonly code_version: string;
  readonly failed_ticks: bigint;
}

interface ActionRow {
  readonly action: RecordedDecision["action"];
  readonly operator: string;
  readonly reason: string;
  readonly decided_ticks: bigint;
}
