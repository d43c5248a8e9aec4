import { setTimeout as sleep } from "node:timers/promises";
import { isOutage } from "@dossier/store";

/** Thrown when the worker is told to stop while it waits for an outage to end. What it waited to do is not done. */
export class ShutdownError extends Error {
  override readonly name = "ShutdownError";
}

/** What an outage is laid to. */
export type ErrorCause = "infrastructure" | "unknown" | "delivery";

export interface OutagePause {
  /**
   * Does `work`, again and again while Postgres is away: an outage is nobody's failure. Throws its other errors.
   *
   * @param blame what an outage is laid to: one of the surroundings pauses the worker, one that is unclear is only
   *   tried again, one of this work alone is thrown, as nobody else should wait for it. Without it, the surroundings.
   */
  wait<T>(work: () => Promise<T>, blame?: (error: unknown) => Promise<ErrorCause>): Promise<T>;
  /** What keeps the worker from working; `undefined` while it works. */
  readonly outage: Outage | undefined;
}

export interface Outage {
  readonly since: Date;
  /** What the first try that met it was told. */
  readonly error: unknown;
}

const FIRST_PAUSE_MS = 100;
/** The longest that the end of an outage goes unnoticed. Shorter knocks more often on a server in trouble. */
const LONGEST_PAUSE_MS = 3_000;

export interface OutagePauseOptions {
  readonly shutdownSignal: AbortSignal;
  /** Told once at the beginning of an outage, whatever waits for its end. */
  readonly onPause: (error: unknown) => void;
  /** Told once when work is done again. */
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
    async wait(work, blame = () => Promise.resolve("infrastructure")) {
      for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        try {
          const value = await work();
          resume();
          return value;
        } catch (error) {
          if (!isOutage(error)) throw error;
          if (shutdownSignal.aborted)
            throw new ShutdownError("told to stop during an outage", { cause: error });
          const blamed = await blame(error);
          if (blamed === "delivery") {
            resume();
            throw error;
          }
          if (blamed === "infrastructure") pause(error);
          // The abort is looked at after one more try.
          await sleep(pauseMs, undefined, { signal: shutdownSignal }).catch(() => undefined);
        }
      }
    },
  };
}
