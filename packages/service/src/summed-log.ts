import type { Level } from "pino";
import type { Logger } from "./logger.ts";

/** What is logged: the lowest level, a stable code and a fixed message. */
export interface SummedLine {
  readonly level: Level;
  readonly code: string;
  readonly message: string;
}

export interface SummedLog {
  /**
   * Records that it happened once more.
   *
   * @param reason one of a few fixed words; each is counted by itself
   * @param describe returns the fields of an example; called only if they are written
   */
  record(reason: string, describe?: () => object): void;
}

/** At most one line in so long. */
const INTERVAL_MS = 1_000;

/**
 * Returns a log of what may happen thousands of times a second: at most one line a second, however often it happens.
 * The first time is written at once, and what follows within a second is summed up in the next line. Each line has the
 * reason and the fields of the first case that it counts, and the number of cases by reason if they are several.
 */
export function summedLog(log: Logger, { level, code, message }: SummedLine): SummedLog {
  let quiet = true;
  let example: object | undefined;
  let counts: Record<string, number> = {};

  function write(): void {
    if (example === undefined) {
      quiet = true;
      return;
    }
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    log[level]({ code, ...example, ...(total > 1 && { total, counts }) }, message);
    example = undefined;
    counts = {};
    setTimeout(write, INTERVAL_MS).unref();
  }

  return {
    record(reason, describe = () => ({})) {
      example ??= { reason, ...describe() };
      counts[reason] = (counts[reason] ?? 0) + 1;
      if (!quiet) return;
      quiet = false;
      write();
    },
  };
}
