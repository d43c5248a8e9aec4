import { setTimeout as delay } from "node:timers/promises";
import { summedLog, type Logger, type Metrics } from "@dossier/service";

export interface FailedSignInsOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Milliseconds that an answer waits. */
  readonly delayMs: number;
  /** Aborted when the console begins to shut down: then no answer waits any longer. */
  readonly shutdownSignal: AbortSignal;
}

export type SignInFailure = "missing" | "unknown" | "expired" | "revoked";

/**
 * Counts and logs a failed sign-in, and resolves when it may be answered.
 *
 * @param tokenId of a token that is valid no longer
 */
export type RecordFailedSignIn = (reason: SignInFailure, tokenId?: number) => Promise<void>;

/** Answers that wait at the same time; further ones do not wait, so that they use no memory. */
const MAX_WAITING = 100;

/** Makes guessing slow and visible, without delaying those who have a valid token. */
export function trackFailedSignIns(options: FailedSignInsOptions): RecordFailedSignIn {
  const { log, metrics, delayMs, shutdownSignal } = options;
  const failures = metrics.meter.createCounter("dossier_failed_sign_ins_total", {
    description: "Requests to the console's API without a valid token, by reason.",
  });
  const lines = summedLog(log, { level: "warn", code: "sign-in-failed", message: "sign-in failed" });
  let waiting = 0;

  return async (reason, tokenId) => {
    failures.add(1, { reason });
    lines.record(reason, () => (tokenId === undefined ? {} : { tokenId }));
    if (waiting >= MAX_WAITING) return;
    waiting += 1;
    await delay(delayMs, undefined, { signal: shutdownSignal }).catch(() => undefined);
    waiting -= 1;
  };
}
