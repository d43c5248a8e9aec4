import { formatTicks, type Issue } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import type { DeathReason } from "./dead-letter.ts";

/** A delivery, with all that happened to it. */
export interface DeliveryStory {
  readonly deliveryId: string;
  /** How it stands now: `dead`, `discarded`, settled after all, or `open` again. */
  readonly outcome: "open" | "applied" | "duplicate" | "dead" | "discarded";
  readonly receivedAt: string;
  /** The exact bytes, which hold personal data. */
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
  readonly deaths: readonly Death[];
  readonly attempts: readonly Attempt[];
  readonly actions: readonly OperatorAction[];
}

/** One that died at least once. */
export type DeadLetterStory = DeliveryStory;

export interface Death {
  readonly reason: DeathReason;
  readonly message: string;
  readonly issues: readonly Issue[];
  readonly event: string | null;
  readonly id: string | null;
  readonly entityId: string | null;
  readonly diedAt: string;
  readonly codeVersion: string;
}

export interface Attempt {
  readonly attempt: number;
  readonly failedAt: string;
  readonly error: string;
  readonly stack: string | null;
  readonly codeVersion: string;
}

export interface OperatorAction {
  readonly action: "redrive" | "discard";
  readonly operator: string;
  readonly reason: string;
  readonly at: string;
}

const selectDelivery = statement("select_delivery");
const selectDeaths = statement("select_deaths");
const selectFailures = statement("select_failures");
const selectOperatorActions = statement("select_operator_actions");

/** The story of a delivery that died at least once, whatever became of it; `undefined` for any other. */
export async function findDeadLetter(pool: Pool, deliveryId: string): Promise<DeadLetterStory | undefined> {
  const story = await findDelivery(pool, deliveryId);
  return story !== undefined && story.deaths.length > 0 ? story : undefined;
}

/**
 * The story of any delivery; `undefined` where there is none of this id.
 *
 * @param deliveryId a UUID: Postgres throws at anything else
 */
export async function findDelivery(pool: Pool, deliveryId: string): Promise<DeliveryStory | undefined> {
  const [delivery, deaths, attempts, actions] = await Promise.all([
    pool.query<DeliveryRow>({ ...selectDelivery, values: [deliveryId] }),
    pool.query<DeathRow>({ ...selectDeaths, values: [deliveryId] }),
    pool.query<FailureRow>({ ...selectFailures, values: [deliveryId] }),
    pool.query<ActionRow>({ ...selectOperatorActions, values: [deliveryId] }),
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
    deaths: deaths.rows.map(({ issues, entity_id, died_ticks, code_version, ...death }) => ({
      ...death,
      issues: JSON.parse(issues) as Issue[],
      entityId: entity_id,
      diedAt: formatTicks(died_ticks),
      codeVersion: code_version,
    })),
    attempts: attempts.rows.map(({ failed_ticks, code_version, ...attempt }) => ({
      ...attempt,
      failedAt: formatTicks(failed_ticks),
      codeVersion: code_version,
    })),
    actions: actions.rows.map(({ acted_ticks, ...action }) => ({ ...action, at: formatTicks(acted_ticks) })),
  };
}

interface DeliveryRow {
  readonly body: Buffer;
  readonly headers: string;
  readonly verified_by: string;
  readonly secret_fingerprint: string;
  readonly outcome: Exclude<DeliveryStory["outcome"], "open"> | null;
  readonly received_ticks: bigint;
}

interface DeathRow {
  readonly reason: DeathReason;
  readonly message: string;
  readonly issues: string;
  readonly event: string | null;
  readonly id: string | null;
  readonly entity_id: string | null;
  readonly code_version: string;
  readonly died_ticks: bigint;
}

interface FailureRow {
  readonly attempt: number;
  readonly error: string;
  readonly stack: string | null;
  readonly code_version: string;
  readonly failed_ticks: bigint;
}

interface ActionRow {
  readonly action: OperatorAction["action"];
  readonly operator: string;
  readonly reason: string;
  readonly acted_ticks: bigint;
}
