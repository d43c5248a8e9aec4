import type { Logger } from "./logger.ts";

/** What is logged of an outage: stable codes, which tests and alerts may rely on, and fixed messages. */
export interface OutageLines {
  readonly began: { readonly code: string; readonly message: string };
  readonly ended: { readonly code: string; readonly message: string };
}

/** Logs the beginning and the end of each outage once, however many attempts fail in between. */
export interface OutageLog {
  /** Begins an outage, unless one has begun already. Returns whether it began one. */
  recordFailure(error: unknown): boolean;
  /** Ends the outage, if there is one. */
  recordSuccess(): void;
  /** Runs `work` and records how it ended. Returns its value; throws its error. */
  watch<T>(work: () => Promise<T>): Promise<T>;
}

export function outageLog(log: Logger, { began, ended }: OutageLines): OutageLog {
  let beganAt: number | undefined;

  function recordFailure(err: unknown): boolean {
    if (beganAt !== undefined) return false;
    beganAt = performance.now();
    log.error({ code: began.code, err }, began.message);
    return true;
  }

  function recordSuccess(): void {
    if (beganAt === undefined) return;
    const outageMs = Math.round(performance.now() - beganAt);
    beganAt = undefined;
    log.info({ code: ended.code, outageMs }, ended.message);
  }

  return {
    recordFailure,
    recordSuccess,
    async watch(work) {
      try {
        const value = await work();
        recordSuccess();
        return value;
      } catch (error) {
        recordFailure(error);
        throw error;
      }
    },
  };
}
