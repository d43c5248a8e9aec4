import fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../src/index.ts";

const seed = fc.integer({ min: 0, max: 2 ** 32 - 1 });

test("between yields integers within both bounds, and each of them", () => {
  const random = new Random(1, "faults");
  const drawn = new Set(Array.from({ length: 200 }, () => random.between(-1, 2)));
  expect([...drawn].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
});

test("shuffle returns the same items in an order that the seed decides", () => {
  fc.assert(
    fc.property(seed, fc.array(fc.nat()), (seed, items) => {
      const shuffled = new Random(seed, "faults").shuffle(items);
      expect(shuffled.toSorted()).toEqual(items.toSorted());
      expect(new Random(seed, "faults").shuffle(items)).toEqual(shuffled);
    }),
  );
  const orders = Array.from({ length: 50 }, (_, seed) =>
    new Random(seed, "faults").shuffle([1, 2, 3]).join(),
  );
  expect(new Set(orders).size).toBe(6);
});

test("pick refuses to pick from nothing", () => {
  expect(() => new Random(1, "faults").pick([])).toThrow(RangeError);
});
