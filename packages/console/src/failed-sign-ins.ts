import { setTimeout as delay } from "node:timers/promises";
import { summedLog, type Logger, type Metrics } from "@dossier/service";
import type { FailedSignInAudit } from "./failed-sign-in-audit.ts";

export interface FailedSignInsOptions {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly audit: Pick<FailedSignInAudit, "record">;
  /** Milliseconds that an answer waits. */
  readonly delayMs: number;
  /** Aborted when the console begins to shut down: then no answer waits any longer. */
  readonly shutdownSignal: AbortSignal;
}

/** `service`: a page was asked for with a token that is the API's alone. */
export type SignInFailure = "missing" | "unknown" | "expired" | "revoked" | "service";

/** A token of the record that is not valid, or not valid here. */
export interface KnownToken {
  readonly tokenId: number;
  readonly name: string;
}

/**
 * Counts, logs and audits a failed sign-in, and resolves when it may be answered. A request without any token is no
 * attempt to sign in, and not audited.
 */
export type RecordFailedSignIn = (reason: SignInFailure, token?: KnownToken) => Promise<void>;

/** Answers that wait at the same time; further ones do not wait, so that they use no memory. */
const MAX_WAITING = 100;

/** Makes guessing slow and visible, without delaying those who have a valid token. */
export function trackFailedSignIns(options: FailedSignInsOptions): RecordFailedSignIn {
  const { log, metrics, audit, delayMs, shutdownSignal } = options;
  const failures = metrics.meter.createCounter("dossier_failed_sign_ins_total", {
    description: "Requests to the console without a valid token, by reason.",
  });
  const lines = summedLog(log, { level: "warn", code: "sign-in-failed", message: "sign-in failed" });
  let waiting = 0;

  return async (reason, token) => {
    failures.add(1, { reason });
    lines.record(reason, () => (token === undefined ? {} : { tokenId: token.tokenId }));
    if (reason !== "missing") audit.record(reason, token?.name ?? null);
    if (waiting >= MAX_WAITING) return;
    waiting += 1;
    await delay(delayMs, undefined, { signal: shutdownSignal }).catch(() => undefined);
    waiting -= 1;
  };
}
