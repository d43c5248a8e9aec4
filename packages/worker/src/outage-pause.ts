import { setTimeout as sleep } from "node:timers/promises";
import { isOutage } from "@dossier/store";

/** Thrown if the worker shuts down during an outage. The work was not done. */
export class ShutdownError extends Error {
  override readonly name = "ShutdownError";
}

/**
 * The cause of an error that looks like an outage. `infrastructure`: Postgres cannot be used, so the worker pauses.
 * `delivery`: only this work fails. `unknown`: retried without a pause of the worker.
 */
export type ErrorCause = "infrastructure" | "delivery" | "unknown";

export interface OutagePause {
  /**
   * Runs `work` until no outage keeps it from its end. An outage uses no attempt. Throws the errors that are no outage.
   *
   * @param causeOf the cause of an outage's error. An outage that only this work sees (`delivery`) is rethrown, so that
   *   other work goes on. Default: `infrastructure`
   */
  run<T>(work: () => Promise<T>, causeOf?: (error: unknown) => Promise<ErrorCause>): Promise<T>;
  /** The outage that keeps the worker paused; `undefined` while it works. */
  readonly outage: Outage | undefined;
}

export interface Outage {
  readonly since: Date;
  /** The first error of the outage. */
  readonly error: unknown;
}

const FIRST_DELAY_MS = 100;
/** The longest time until the end of an outage is noticed. A shorter one sends more queries to a failing server. */
const LONGEST_DELAY_MS = 3_000;

export interface OutagePauseOptions {
  readonly shutdownSignal: AbortSignal;
  /** Called once at the beginning of an outage, whatever number of calls wait for its end. */
  readonly onPause: (error: unknown) => void;
  /** Called once when work succeeds again. */
  readonly onResume: (pausedForMs: number) => void;
}

export function createOutagePause({ shutdownSignal, onPause, onResume }: OutagePauseOptions): OutagePause {
  let outage: Outage | undefined;

  function pause(error: unknown): void {
    if (outage !== undefined) return;
    outage = { since: new Date(), error };
    onPause(error);
  }

  function resume(): void {
    if (outage === undefined) return;
    const pausedForMs = Date.now() - outage.since.getTime();
    outage = undefined;
    onResume(pausedForMs);
  }

  return {
    get outage() {
      return outage;
    },
    async run(work, causeOf = () => Promise.resolve("infrastructure")) {
      for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
        try {
          const value = await work();
          resume();
          return value;
        } catch (error) {
          if (!isOutage(error)) throw error;
          if (shutdownSignal.aborted) throw new ShutdownError("shut down during an outage", { cause: error });
          const cause = await causeOf(error);
          if (cause === "delivery") {
            resume();
            throw error;
          }
          if (cause === "infrastructure") pause(error);
          // An abort ends the delay; the work is tried once more before it counts.
          await sleep(delayMs, undefined, { signal: shutdownSignal }).catch(() => undefined);
        }
      }
    },
  };
}
