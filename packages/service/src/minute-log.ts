import type { Logger } from "./logger.ts";

/** Sums up what happens all the time, in one line a minute. Writes nothing while nothing happens. */
export interface MinuteLog {
  /** @param name one of a few fixed words */
  add(name: string, count?: number): void;
  /** Writes what has not been written yet. */
  flush(): void;
}

const MINUTE_MS = 60_000;

/** Returns a log whose lines, at `info`, have how often each name was added since the line before. */
export function minuteLog(log: Logger, { code, message }: { code: string; message: string }): MinuteLog {
  let counts: Record<string, number> = {};
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    if (timer === undefined) return;
    clearTimeout(timer);
    timer = undefined;
    log.info({ code, ...counts }, message);
    counts = {};
  }

  return {
    add(name, count = 1) {
      counts[name] = (counts[name] ?? 0) + count;
      timer ??= setTimeout(flush, MINUTE_MS).unref();
    },
    flush,
  };
}
