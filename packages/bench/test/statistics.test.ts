import { expect, test } from "vitest";
import { median, quantile } from "../src/statistics.ts";

test("the median is the value in the middle, or the mean of the two in the middle", () => {
  expect([[3, 1, 2], [9_655, 8_474], [4, 1, 3, 2], [7], []].map(median)).toEqual([
    2,
    9_064.5,
    2.5,
    7,
    Number.NaN,
  ]);
});

test("a quantile is the least value that its share does not exceed", () => {
  const values = Array.from({ length: 100 }, (_, n) => 100 - n);
  expect([0, 0.5, 0.99, 1].map((share) => quantile(values, share))).toEqual([1, 50, 99, 100]);
});
