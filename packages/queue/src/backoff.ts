/** How long a failed job waits before it is tried again. */
export interface Backoff {
  /**
   * The most that the first retry waits, in milliseconds; it doubles with every attempt after it.
   * Lower tries again sooner and hits what is broken more often. Default 1,000.
   */
  readonly baseMs: number;
  /**
   * The most that any retry waits, in milliseconds.
   * Higher spares what is broken; lower finds out sooner that it is mended. Default 300,000 (5 minutes).
   */
  readonly capMs: number;
}

export const DEFAULT_BACKOFF: Backoff = { baseMs: 1_000, capMs: 300_000 };

/**
 * The wait after a failed attempt, in whole milliseconds: capped exponential backoff with full jitter,
 * that is, any time from 0 to `min(capMs, baseMs * 2^(attempt - 1))`, all equally likely. Jobs that
 * failed together are so spread over the whole span instead of coming back together.
 *
 * @param attempt the attempt that has just failed, from 1
 * @param random gives a number from 0 (included) to 1 (excluded), like `Math.random`
 */
export function retryDelay(
  attempt: number,
  random: () => number,
  backoff: Backoff = DEFAULT_BACKOFF,
): number {
  return Math.floor(random() * (longestDelay(attempt, backoff) + 1));
}

/** One retry of a job, in milliseconds. */
export interface RetryStep {
  /** The attempt that the retry makes, from 2. */
  readonly attempt: number;
  /** The longest wait before it; the shortest is always 0. */
  readonly waitsAtMostMs: number;
  /** The longest time from the first failure to it, not counting the attempts themselves. */
  readonly comesWithinMs: number;
}

/** Every retry of a job that never succeeds, with its bounds; none for a single attempt. */
export function retrySchedule(maxAttempts: number, backoff: Backoff = DEFAULT_BACKOFF): RetryStep[] {
  const steps: RetryStep[] = [];
  let comesWithinMs = 0;
  for (let failed = 1; failed < maxAttempts; failed += 1) {
    const waitsAtMostMs = longestDelay(failed, backoff);
    comesWithinMs += waitsAtMostMs;
    steps.push({ attempt: failed + 1, waitsAtMostMs, comesWithinMs });
  }
  return steps;
}

function longestDelay(attempt: number, { baseMs, capMs }: Backoff): number {
  return Math.min(capMs, baseMs * 2 ** (attempt - 1));
}
