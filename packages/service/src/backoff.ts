/** Limits of the waits between the attempts of failing work. */
export interface BackoffLimits {
  /** The longest first wait, in milliseconds; each further one may be twice as long. */
  readonly baseMs: number;
  /** The longest wait of all, in milliseconds. */
  readonly capMs: number;
}

/**
 * Returns how long to wait after a failed attempt, in whole milliseconds: capped exponential backoff with full jitter,
 * which is any time from 0 to `min(capMs, baseMs * 2^(attempt - 1))`, all equally likely. The jitter spreads work that
 * failed at the same time, so that it is not retried at the same time.
 *
 * @param attempt the attempt that has failed, from 1
 * @param random returns a number from 0 (included) to 1 (excluded)
 */
export function backoff(attempt: number, limits: BackoffLimits, random: () => number = Math.random): number {
  return Math.floor(random() * (longestWait(attempt, limits) + 1));
}

/** Returns the longest time that `backoff` can return, in milliseconds. */
function longestWait(attempt: number, { baseMs, capMs }: BackoffLimits): number {
  return Math.min(capMs, baseMs * 2 ** (attempt - 1));
}

/** A retry of work whose every attempt fails. */
export interface Retry {
  /** The attempt that the retry makes, from 2. */
  readonly attempt: number;
  /** The longest wait before it, in milliseconds; the shortest is always 0. */
  readonly longestWaitMs: number;
  /** The longest time from the first failure to it, in milliseconds, without the attempts themselves. */
  readonly longestElapsedMs: number;
}

/** Returns every retry of work that has `maxAttempts` attempts, with its longest waits. */
export function retrySchedule(maxAttempts: number, limits: BackoffLimits): Retry[] {
  const retries: Retry[] = [];
  let longestElapsedMs = 0;
  for (let failed = 1; failed < maxAttempts; failed += 1) {
    const longestWaitMs = longestWait(failed, limits);
    longestElapsedMs += longestWaitMs;
    retries.push({ attempt: failed + 1, longestWaitMs, longestElapsedMs });
  }
  return retries;
}
