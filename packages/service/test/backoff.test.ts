import fc from "fast-check";
import { expect, test } from "vitest";
import { backoff, retrySchedule } from "../src/index.ts";

const LIMITS = { baseMs: 1_000, capMs: 300_000 };

const attempts = fc.integer({ min: 1, max: 5_000 });
const fractions = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const limits = fc.record({
  baseMs: fc.integer({ min: 1, max: 60_000 }),
  capMs: fc.integer({ min: 1, max: 86_400_000 }),
});

test("a wait is a whole number of milliseconds from 0 to the cap", () => {
  fc.assert(
    fc.property(attempts, fractions, limits, (attempt, fraction, limits) => {
      const wait = backoff(attempt, limits, () => fraction);
      expect(Number.isSafeInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThanOrEqual(limits.capMs);
    }),
  );
});

test("the jitter is full: a wait is anything from 0 to a span that doubles with each attempt", () => {
  const waits = (fraction: number) => [1, 2, 3, 4].map((attempt) => backoff(attempt, LIMITS, () => fraction));
  expect(waits(0)).toEqual([0, 0, 0, 0]);
  expect(waits(0.5)).toEqual([500, 1_000, 2_000, 4_000]);
  expect(waits(1 - Number.EPSILON)).toEqual([1_000, 2_000, 4_000, 8_000]);
});

test("no wait is longer than the schedule says", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 60 }), fractions, limits, (maxAttempts, fraction, limits) => {
      let elapsed = 0;
      for (const retry of retrySchedule(maxAttempts, limits)) {
        const wait = backoff(retry.attempt - 1, limits, () => fraction);
        elapsed += wait;
        expect(wait).toBeLessThanOrEqual(retry.longestWaitMs);
        expect(elapsed).toBeLessThanOrEqual(retry.longestElapsedMs);
      }
    }),
  );
});

test("ten attempts are made within 8 minutes and 31 seconds", () => {
  expect(
    retrySchedule(10, LIMITS).map(({ attempt, longestWaitMs, longestElapsedMs }) => [
      attempt,
      longestWaitMs / 1_000,
      longestElapsedMs / 1_000,
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
  expect(retrySchedule(1, LIMITS)).toEqual([]);
});
