import fc from "fast-check";
import { expect, test } from "vitest";
import { DEFAULT_BACKOFF, retryDelay, retrySchedule } from "../src/index.ts";

const attempts = fc.integer({ min: 1, max: 5_000 });
const fractions = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const backoffs = fc
  .tuple(fc.integer({ min: 1, max: 60_000 }), fc.integer({ min: 1, max: 86_400_000 }))
  .map(([baseMs, capMs]) => ({ baseMs, capMs }));

test("no retry waits longer than the cap, less than nothing, or a part of a millisecond", () => {
  fc.assert(
    fc.property(attempts, fractions, backoffs, (attempt, fraction, backoff) => {
      const delay = retryDelay(attempt, () => fraction, backoff);
      expect(Number.isSafeInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(delay).toBeLessThanOrEqual(backoff.capMs);
    }),
  );
});

test("the jitter is full: from no wait at all to the whole of a doubling span", () => {
  const almostOne = 1 - Number.EPSILON;
  expect([1, 2, 3, 4].map((attempt) => retryDelay(attempt, () => 0))).toEqual([0, 0, 0, 0]);
  expect([1, 2, 3, 4].map((attempt) => retryDelay(attempt, () => almostOne))).toEqual([
    1_000, 2_000, 4_000, 8_000,
  ]);
  expect(retryDelay(3, () => 0.5)).toBe(2_000);
});

test("every delay lies within the bounds that the schedule prints", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 60 }), fractions, backoffs, (maxAttempts, fraction, backoff) => {
      let elapsed = 0;
      for (const step of retrySchedule(maxAttempts, backoff)) {
        const delay = retryDelay(step.attempt - 1, () => fraction, backoff);
        elapsed += delay;
        expect(delay).toBeLessThanOrEqual(step.waitsAtMostMs);
        expect(elapsed).toBeLessThanOrEqual(step.comesWithinMs);
      }
    }),
  );
});

test("ten attempts are over within 8 minutes and 31 seconds", () => {
  expect(DEFAULT_BACKOFF).toEqual({ baseMs: 1_000, capMs: 300_000 });
  expect(
    retrySchedule(10).map(({ attempt, waitsAtMostMs, comesWithinMs }) => [
      attempt,
      waitsAtMostMs / 1_000,
      comesWithinMs / 1_000,
    ]),
  ).toEqual([
    [2, 1, 1],
    [3, 2, 3],
    [4, 4, 7],
    [5, 8, 15],
    [6, 16, 31],
    [7, 32, 63],
    [8, 64, 127],
    [9, 128, 255],
    [10, 256, 511],
  ]);
});

test("a single attempt has no retries", () => {
  expect(retrySchedule(1)).toEqual([]);
});
