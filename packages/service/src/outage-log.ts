import type { Logger } from "./logger.ts";

/** Says of a surrounding that it is in trouble once, and once that it works again, however often it was tried. */
export interface OutageLog {
  /** A try failed. The first one of an outage is logged; gives whether it was that. */
  failed(error: unknown): boolean;
  /** A try succeeded. The first one after an outage is logged. */
  recovered(): void;
  /** Does `work`, and takes its end as one of the two. */
  watch<T>(work: () => Promise<T>): Promise<T>;
}

/** @param what names it in the log, such as `the queue` */
export function outageLog(log: Logger, what: string): OutageLog {
  let since: number | undefined;

  function failed(err: unknown): boolean {
    if (since !== undefined) return false;
    since = performance.now();
    log.error({ err }, `${what} is in trouble; it is tried until it works`);
    return true;
  }

  function recovered(): void {
    if (since === undefined) return;
    log.info({ troubledForMs: Math.round(performance.now() - since) }, `${what} works again`);
    since = undefined;
  }

  return {
    failed,
    recovered,
    async watch(work) {
      try {
        const value = await work();
        recovered();
        return value;
      } catch (error) {
        failed(error);
        throw error;
      }
    },
  };
}
