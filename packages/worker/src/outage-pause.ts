import { setTimeout as delay } from "node:timers/promises";
import { backoff, type OutageLog } from "@dossier/service";
import { isOutage, isRetryable } from "@dossier/store";

/** Thrown if the worker shuts down during an outage. The work was not done. */
export class ShutdownError extends Error {
  override readonly name = "ShutdownError";
}

/**
 * The cause of an error that looks like an outage. `infrastructure`: Postgres cannot be used, so the worker pauses.
 * `delivery`: only this work fails. `undetermined`: retried without a pause of the worker.
 */
export type ErrorCause = "infrastructure" | "delivery" | "undetermined";

export interface OutagePause {
  /**
   * Runs `work` again and again until no outage prevents it, and returns its value. An outage uses no attempt. Throws
   * errors that are not retryable.
   *
   * @param causeOf finds the cause of an outage's error. If it is `delivery`, the error is thrown, so that other work
   *   goes on. Default: `infrastructure`
   */
  run<T>(work: () => Promise<T>, causeOf?: (error: unknown) => Promise<ErrorCause>): Promise<T>;
  /** The outage that pauses the worker; `undefined` while it works. */
  readonly outage: Outage | undefined;
}

export interface Outage {
  readonly since: Date;
  /** The first error of the outage. */
  readonly error: unknown;
}

/** A shorter cap notices the end of an outage sooner, and sends more queries to a failing server. */
const RETRY_LIMITS = { baseMs: 200, capMs: 3_000 };

/** @param log gets the beginning and the end of each outage, whatever number of calls wait for the end */
export function createOutagePause(shutdownSignal: AbortSignal, log: OutageLog): OutagePause {
  let outage: Outage | undefined;

  function pause(error: unknown): void {
    outage ??= { since: new Date(), error };
    log.recordFailure(error);
  }

  function resume(): void {
    outage = undefined;
    log.recordSuccess();
  }

  return {
    get outage() {
      return outage;
    },
    async run(work, causeOf = () => Promise.resolve("infrastructure")) {
      for (let attempt = 1; ; attempt++) {
        try {
          const value = await work();
          resume();
          return value;
        } catch (error) {
          if (!isRetryable(error)) throw error;
          if (shutdownSignal.aborted) throw new ShutdownError("shut down during an outage", { cause: error });
          const cause = await causeOf(error);
          if (cause === "delivery") {
            resume();
            throw error;
          }
          if (cause === "infrastructure" && isOutage(error)) pause(error);
          // An abort ends the delay; then the work runs once more before it is given up.
          await delay(backoff(attempt, RETRY_LIMITS), undefined, { signal: shutdownSignal }).catch(
            () => undefined,
          );
        }
      }
    },
  };
}
