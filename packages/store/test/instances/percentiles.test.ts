import fc from "fast-check";
import { expect, test } from "vitest";
import { percentiles } from "../../src/instances/minutes.ts";

test("no values have no percentiles", () => {
  expect(percentiles([])).toBeNull();
});

test("values that are all in the last bucket have its bound as their percentiles", () => {
  expect(percentiles([[31_536_000_000, 7]])).toEqual({ p50: 31_536_000_000, p99: 31_536_000_000 });
});

test("a bucket that holds the value at the boundary gives the percentile", () => {
  const of = (low: number, high: number) =>
    percentiles([
      [10, high],
      [5, low],
    ]);
  expect(of(50, 50)).toEqual({ p50: 5, p99: 10 });
  expect(of(49, 51)).toEqual({ p50: 10, p99: 10 });
  expect(of(99, 1)).toEqual({ p50: 5, p99: 5 });
  expect(of(98, 2)).toEqual({ p50: 5, p99: 10 });
});

test("half of the values, and 99 of 100, are at most so much, and fewer are below", () => {
  const histogram = fc.uniqueArray(fc.tuple(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 3_000 })), {
    minLength: 1,
    selector: ([bound]) => bound,
  });
  fc.assert(
    fc.property(histogram, (buckets) => {
      const found = percentiles(buckets);
      const values = buckets.flatMap(([bound, count]) => Array.from({ length: count }, () => bound));
      for (const [percent, value = NaN] of [[50, found?.p50] as const, [99, found?.p99] as const]) {
        const atMost = values.filter((each) => each <= value).length;
        const below = values.filter((each) => each < value).length;
        expect(atMost * 100).toBeGreaterThanOrEqual(percent * values.length);
        expect(below * 100).toBeLessThan(percent * values.length);
      }
    }),
    { numRuns: 50 },
  );
});
