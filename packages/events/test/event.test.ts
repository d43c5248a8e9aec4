import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareOrderKeys, compareText, type EventOrderKey } from "../src/index.ts";

const wellFormed = fc.string({ unit: "binary", maxLength: 6 });
// From around the surrogates, where the orders of UTF-16 units and of code points differ.
const tricky = fc.string({ unit: fc.constantFrom("", "a", "\ud7ff", "\ue000", "\uffff", "😀", "𐀀", "􏿿") });
const anyUnits = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 4,
});
const text = fc.oneof(wellFormed, tricky, anyUnits);

// Few values, so that equal times, types and ids are common.
const orderKey: fc.Arbitrary<EventOrderKey> = fc.record(
  {
    ticks: fc.bigInt({ min: -1n, max: 1n }),
    event: fc.constantFrom("A", "B", "Ab"),
    id: fc.constantFrom("9", "10", "😀", "\uffff"),
  },
  { noNullPrototype: true },
);

test("texts are ordered as their UTF-8 bytes, which is Postgres' order under collate C", () => {
  const pair = fc.oneof(fc.tuple(wellFormed, wellFormed), fc.tuple(tricky, tricky));
  fc.assert(
    fc.property(pair, ([a, b]) => {
      expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 3000 },
  );
});

test("texts are totally ordered, lone surrogates included", () => {
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(isTotalOrder(compareText, a, b, c)).toBe(true);
      expect(compareText(a, b) === 0).toBe(a === b);
    }),
    { numRuns: 3000 },
  );
});

test("order keys are totally ordered, and equal only if time, type and id are", () => {
  fc.assert(
    fc.property(orderKey, orderKey, orderKey, (a, b, c) => {
      expect(isTotalOrder(compareOrderKeys, a, b, c)).toBe(true);
      expect(compareOrderKeys(a, b) === 0).toBe(isDeepStrictEqual(a, b));
    }),
    { numRuns: 3000 },
  );
});

test("the tick decides first, then the type, then the id as text", () => {
  const ordered = [
    { ticks: 1n, event: "B", id: "9" },
    { ticks: 2n, event: "A", id: "10" },
    { ticks: 2n, event: "A", id: "9" },
    { ticks: 2n, event: "B", id: "1" },
  ];
  expect(ordered.toReversed().sort(compareOrderKeys)).toEqual(ordered);
});

test("times that are equal as doubles are still distinguished", () => {
  const at = (ticks: bigint) => ({ ticks, event: "A", id: "1" });
  expect(compareOrderKeys(at(2n ** 60n), at(2n ** 60n + 1n))).toBeLessThan(0);
});

/** Returns whether three values are in a total order: reflexive, antisymmetric, transitive. */
function isTotalOrder<T>(compare: (a: T, b: T) => number, a: T, b: T, c: T): boolean {
  const [least, middle, greatest] = [a, b, c].sort(compare) as [T, T, T];
  return (
    compare(a, a) === 0 &&
    Math.sign(compare(a, b)) === 0 - Math.sign(compare(b, a)) &&
    compare(least, middle) <= 0 &&
    compare(middle, greatest) <= 0 &&
    compare(least, greatest) <= 0
  );
}
