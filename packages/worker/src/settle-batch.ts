import { errorClass, foldFailed, type Outcome, type Outcomes, type Ticks } from "@dossier/events";
import { backoff, countBy, describeError, retrySchedule, version, type Tracing } from "@dossier/service";
import {
  deadLetter,
  findIdentity,
  isOutage,
  mayConcernOneDelivery,
  recordFailedAttempt,
  settle,
  snooze,
  type Pool,
  type SettleObserver,
} from "@dossier/store";
import pTimeout from "p-timeout";
import { ShutdownError, type ErrorCause, type OutagePause } from "./outage-pause.ts";

/** The waits between attempts, in milliseconds. The retries of 8 attempts take at most about two minutes. */
const RETRY_LIMITS = { baseMs: 1_000, capMs: 300_000 };

/** Long enough for a busy machine, and short enough to call a server that does not answer unavailable. */
const PROBE_TIMEOUT_MS = 5_000;

export interface BatchOptions {
  readonly pool: Pool;
  readonly outagePause: OutagePause;
  readonly tracing: Tracing | undefined;
  /** Attempts after which a delivery is dead-lettered. */
  readonly maxAttempts: number;
  /** Called after a commit, with the time of receipt of each delivery that was applied. */
  readonly onApplied: (receivedTicks: readonly Ticks[]) => void;
}

/** With what is recorded of an attempt, if it is traced. */
type AttemptOptions = BatchOptions & Pick<SettleObserver, "onClaimed">;

/**
 * Settles deliveries, in one transaction unless they are too large for it. Returns the outcome of each.
 *
 * @throws ShutdownError if the worker shuts down during an outage; then what is not settled stays open
 */
export async function settleBatch(deliveryIds: readonly string[], options: BatchOptions): Promise<Outcomes> {
  const { tracing } = options;
  if (tracing === undefined) return settleAll(deliveryIds, options);
  const startedAt = Date.now();
  const traced = new Set<string>();
  const record = (failed: boolean, outcomes?: ReadonlyMap<string, number>) =>
    tracing.recordBatch({
      operation: "process",
      startedAt,
      failed,
      deliveries: deliveryIds.length,
      traceparents: [...traced],
      ...(outcomes && { outcomes }),
    });
  const onClaimed = (traceparents: readonly string[]) => traceparents.forEach((each) => traced.add(each));
  try {
    const outcomes = await settleAll(deliveryIds, { ...options, onClaimed });
    record(
      false,
      countBy(outcomes.values(), ({ kind }) => kind),
    );
    return outcomes;
  } catch (error) {
    record(true);
    throw error;
  }
}

async function settleAll(deliveryIds: readonly string[], options: AttemptOptions): Promise<Outcomes> {
  const outcomes = new Map<string, Outcome>();
  let left = deliveryIds;
  while (left.length > 0) {
    for (const outcome of await settleSome(left, options)) outcomes.set(...outcome);
    left = left.filter((deliveryId) => !outcomes.has(deliveryId));
  }
  return outcomes;
}

/**
 * Settles as many of the deliveries as fit into one transaction, at least one. If that fails, settles each in a
 * transaction of its own, so that a delivery that fails takes no other with it.
 */
async function settleSome(deliveryIds: readonly string[], options: AttemptOptions): Promise<Outcomes> {
  const { pool, outagePause, onApplied, onClaimed } = options;
  try {
    return await outagePause.run(
      () => settle(pool, deliveryIds, version, { onApplied, ...(onClaimed && { onClaimed }) }),
      createCauseFinder(pool),
    );
  } catch (error) {
    if (error instanceof ShutdownError) throw error;
    const [deliveryId] = deliveryIds;
    if (deliveryId !== undefined && deliveryIds.length === 1)
      return new Map([[deliveryId, await handleFailure(deliveryId, error, options)]]);
  }
  const outcomes = new Map<string, Outcome>();
  for (const deliveryId of deliveryIds)
    for (const outcome of await settleSome([deliveryId], options)) outcomes.set(...outcome);
  return outcomes;
}

/**
 * Returns a function that finds the cause of an outage's error. An error that may concern these deliveries alone does so
 * if Postgres answers other statements. Retry once: the first error may be left from an outage that has ended.
 */
function createCauseFinder(pool: Pool): (error: unknown) => Promise<ErrorCause> {
  let inARow = 0;
  return async (error) => {
    const ofDelivery = mayConcernOneDelivery(error) && (await answers(pool));
    inARow = ofDelivery ? inARow + 1 : 0;
    if (!ofDelivery) return "infrastructure";
    return inARow === 1 ? "undetermined" : "delivery";
  };
}

async function answers(pool: Pool): Promise<boolean> {
  return pTimeout(pool.query("select 1"), { milliseconds: PROBE_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}

/** Snoozes a delivery that Postgres cannot settle, though it settles others. Counts any other failure as an attempt. */
async function handleFailure(deliveryId: string, cause: unknown, options: BatchOptions): Promise<Outcome> {
  const { pool, outagePause } = options;
  if (!isOutage(cause)) return recordFailure(deliveryId, cause, options);
  // A server that takes no writes does not take this one, so an outage snoozes one of each batch at most.
  const error = errorText(cause);
  await outagePause.run(() => snooze(pool, deliveryId, error));
  return { kind: "snoozed", error: errorClass(error) };
}

/** Counts a failed attempt in Postgres, and dead-letters the delivery if it was the last one. */
async function recordFailure(deliveryId: string, cause: unknown, options: BatchOptions): Promise<Outcome> {
  const { pool, outagePause, maxAttempts } = options;
  const error = errorText(cause);
  const failed = { deliveryId, error, stack: describeError(cause).stack, codeVersion: version };
  const longestDelaysMs = retrySchedule(maxAttempts, RETRY_LIMITS).map(({ longestWaitMs }) => longestWaitMs);
  const attempt = await outagePause.run(() => recordFailedAttempt(pool, failed, longestDelaysMs));
  if (attempt === undefined) return { kind: "not-open" };
  if (attempt < maxAttempts)
    return { kind: "failed", error: errorClass(error), attempt, retryInMs: backoff(attempt, RETRY_LIMITS) };
  const identity = await outagePause.run(() => findIdentity(pool, deliveryId));
  const lastFailure = foldFailed(attempt, error, identity);
  const wasOpen = await outagePause.run(() => deadLetter(pool, deliveryId, lastFailure, version));
  return wasOpen ? { kind: "dead-lettered", deadLetter: lastFailure } : { kind: "not-open" };
}

/** As it is recorded, for those to whom the person is revealed. */
function errorText(error: unknown): string {
  const { type, code, message } = describeError(error);
  // Postgres' text holds no NUL, and an error may quote one.
  return `${code === undefined ? type : `${type} ${code}`}: ${message}`.replaceAll("\0", "\uFFFD");
}
