import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";
import { TestRunner } from "vitest";

const FIRST_PAUSE_MS = 25;
const LONGEST_PAUSE_MS = 250;
const GROWTH = 1.25;

/** Left of a test's time to report why it failed. */
const SPARE_MS = 2_000;
/** In hooks, whose timeout is not known. */
const HOOK_MS = 110_000;

/**
 * Calls `probe`, with pauses, until what it returns passes `check`, and returns that. Without a check, it must be neither
 * `undefined` nor `null` nor `false`. A probe or a check that throws has not passed: most checks are an `expect`.
 * Throws at `until`, by default shortly before the test's own timeout, and says what it last saw.
 *
 *     await waitFor(() => queue.counts(), (counts) => expect(counts).toMatchObject({ waiting: 0 }));
 *     const line = await waitFor(() => lines.find(({ code }) => code === "swept"));
 */
export function waitFor<T>(probe: () => T | Promise<T>): Promise<Exclude<T, undefined | null | false>>;
export function waitFor<T>(
  probe: () => T | Promise<T>,
  check?: (seen: T) => unknown,
  until?: number,
): Promise<T>;
export async function waitFor<T>(
  probe: () => T | Promise<T>,
  check: (seen: T) => unknown = isThere,
  until = deadline(),
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS)) {
    let last = "the probe failed";
    let cause: unknown;
    try {
      const seen = await probe();
      last = `last saw ${inspect(seen, { depth: 4 })}`;
      if (check(seen) !== false) return seen;
    } catch (error) {
      cause = error;
    }
    if (Date.now() + pauseMs > until) throw new Error(`timed out: ${last}`, { cause });
    await delay(pauseMs);
  }
}

function isThere(seen: unknown): boolean {
  return seen !== undefined && seen !== null && seen !== false;
}

/** Returns when to stop waiting, in milliseconds since 1970. */
function deadline(): number {
  const test = TestRunner.getCurrentTest();
  const result = test?.result;
  if (test === undefined || result?.state !== "run" || result.startTime === undefined)
    return Date.now() + HOOK_MS;
  // A retry has the test's whole time again.
  const before = result.attempts?.at(-1);
  const began = before ? before.startTime + before.duration : result.startTime;
  return began + test.timeout - SPARE_MS;
}
