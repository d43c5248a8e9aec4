import { expect, test } from "vitest";
import { createCounter } from "../src/minute-counts.ts";

const NOW = 1_700_000_000_000;

test("a time at a bucket's bound is in that bucket, and one beyond the last bound is in the last", () => {
  const counter = createCounter(() => NOW);
  counter.addApplied([0, 5, 5.5, 10, 50, 51, 31_536_000_000, 31_536_000_001].map((tookMs) => NOW - tookMs));
  expect(counter.takeChanged().map(({ counts }) => counts)).toEqual([
    {
      "applied-within-ms/5": 2,
      "applied-within-ms/10": 2,
      "applied-within-ms/50": 1,
      "applied-within-ms/100": 1,
      "applied-within-ms/31536000000": 2,
    },
  ]);
});
