import { DEFAULT_BACKOFF, retryDelay } from "@dossier/queue";
import { describeError, version } from "@dossier/service";
import {
  deadLetter,
  identityOf,
  isOutage,
  mayConcernOneDelivery,
  snooze,
  recordFailedAttempt,
  settle,
  type DeadLetter,
  type Pool,
  type Settled,
} from "@dossier/store";
import pTimeout from "p-timeout";
import { ShutdownError, type ErrorCause, type OutagePause } from "./outage-pause.ts";
import type { Outcome, Outcomes } from "./outcome.ts";

export interface BatchOptions {
  readonly pool: Pool;
  readonly outagePause: OutagePause;
  /** Failures after which a delivery is dead. */
  readonly maxAttempts: number;
}

/** A server in trouble is not waited for here; one on a busy machine is given the time. */
const ANSWERS_WITHIN_MS = 5_000;

/**
 * Settles deliveries in one transaction. When that fails, each is tried alone, so that a poison delivery takes no
 * other with it: the good ones commit, and each bad one has an attempt counted against it in Postgres. One that
 * Postgres does not do while it does other work is put off, longer each time.
 */
export async function settleBatch(deliveryIds: readonly string[], options: BatchOptions): Promise<Outcomes> {
  const { pool, outagePause } = options;
  let tooMuch = 0;
  try {
    const settled = await outagePause.wait(() => settle(pool, deliveryIds, version), blame);
    return outcomes(deliveryIds, settled);
  } catch (error) {
    if (error instanceof ShutdownError) throw error;
    const [only, ...others] = deliveryIds;
    if (only === undefined) return new Map();
    if (others.length === 0) return new Map([[only, await fail(only, error, options)]]);
  }
  const alone = new Map<string, Outcome>();
  for (const deliveryId of deliveryIds) {
    for (const outcome of await settleBatch([deliveryId], options)) alone.set(...outcome);
  }
  return alone;

  /** Met once, it may be the last of an outage that is over. */
  async function blame(error: unknown): Promise<ErrorCause> {
    const ofTheWork = mayConcernOneDelivery(error) && (await answers(pool));
    tooMuch = ofTheWork ? tooMuch + 1 : 0;
    if (!ofTheWork) return "infrastructure";
    return tooMuch === 1 ? "unknown" : "delivery";
  }
}

async function answers(pool: Pool): Promise<boolean> {
  return pTimeout(pool.query("select 1"), { milliseconds: ANSWERS_WITHIN_MS }).then(
    () => true,
    () => false,
  );
}

function outcomes(deliveryIds: readonly string[], { applied, duplicates, dead }: Settled): Outcomes {
  return new Map<string, Outcome>([
    ...deliveryIds.map((deliveryId) => [deliveryId, { kind: "not-open" }] as const),
    ...applied.map((deliveryId) => [deliveryId, { kind: "applied" }] as const),
    ...duplicates.map((deliveryId) => [deliveryId, { kind: "duplicate" }] as const),
    ...dead.map((letter) => [letter.deliveryId, { kind: "dead-lettered", letter }] as const),
  ]);
}

async function fail(deliveryId: string, error: unknown, options: BatchOptions): Promise<Outcome> {
  const { pool, outagePause, maxAttempts } = options;
  const { type, code, message, stack } = describeError(error);
  // Postgres' text holds no NUL, and an error may quote one.
  const described = `${code === undefined ? type : `${type} ${code}`}: ${message}`.replaceAll("\0", "\uFFFD");
  if (isOutage(error)) {
    // A server that takes no writes does not take this one either: so no more than one is put off for its sake.
    await outagePause.wait(() => snooze(pool, deliveryId));
    return { kind: "snoozed", error: described };
  }
  const failure = { deliveryId, error: described, stack, codeVersion: version };
  const attempt = await outagePause.wait(() => recordFailedAttempt(pool, failure, DEFAULT_BACKOFF));
  if (attempt === undefined) return { kind: "not-open" };
  if (attempt < maxAttempts) {
    return { kind: "failed", error: described, retryAfterMs: retryDelay(attempt, Math.random) };
  }
  const letter: DeadLetter = {
    deliveryId,
    reason: "fold-failed",
    message: `failed ${attempt} times, the last time with ${described}`,
    issues: [],
    identity: await outagePause.wait(() => identityOf(pool, deliveryId)),
  };
  const buried = await outagePause.wait(() => deadLetter(pool, letter, version));
  return buried ? { kind: "dead-lettered", letter } : { kind: "not-open" };
}
