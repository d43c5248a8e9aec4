import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareOrderKeys, compareText, type EventOrderKey } from "../src/index.ts";

const wellFormed = fc.string({ unit: "binary", maxLength: 6 });
// From around the surrogates, where the order of UTF-16 units and that of code points part.
const tricky = fc.string({ unit: fc.constantFrom("", "a", "\ud7ff", "\ue000", "\uffff", "😀", "𐀀", "􏿿") });
const anyUnits = fc.string({
  unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  maxLength: 4,
});
const text = fc.oneof(wellFormed, tricky, anyUnits);

// Few values, so that ties in the time, the type and the id are common.
const place: fc.Arbitrary<EventOrderKey> = fc.record(
  {
    ticks: fc.bigInt({ min: -1n, max: 1n }),
    event: fc.constantFrom("A", "B", "Ab"),
    id: fc.constantFrom("9", "10", "😀", "\uffff"),
  },
  { noNullPrototype: true },
);

test("texts are ordered as their UTF-8 bytes are, which is Postgres' order under collate C", () => {
  const pair = fc.oneof(fc.tuple(wellFormed, wellFormed), fc.tuple(tricky, tricky));
  fc.assert(
    fc.property(pair, ([a, b]) => {
      expect(Math.sign(compareText(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 3000 },
  );
});

test("texts are totally ordered, halves of surrogate pairs included", () => {
  fc.assert(
    fc.property(text, text, text, (a, b, c) => {
      expect(isTotalOrder(compareText, a, b, c)).toBe(true);
      expect(compareText(a, b) === 0).toBe(a === b);
    }),
    { numRuns: 3000 },
  );
});

test("places are totally ordered: two are equal only where time, type and id are", () => {
  fc.assert(
    fc.property(place, place, place, (a, b, c) => {
      expect(isTotalOrder(compareOrderKeys, a, b, c)).toBe(true);
      expect(compareOrderKeys(a, b) === 0).toBe(isDeepStrictEqual(a, b));
    }),
    { numRuns: 3000 },
  );
});

test("time decides first, to the tick; then the type; then the id, as text", () => {
  const places = [
    { ticks: 1n, event: "B", id: "9" },
    { ticks: 2n, event: "A", id: "10" },
    { ticks: 2n, event: "A", id: "9" },
    { ticks: 2n, event: "B", id: "1" },
  ];
  expect(places.toReversed().sort(compareOrderKeys)).toEqual(places);
});

test("times beyond what a double tells apart are still told apart", () => {
  const at = (ticks: bigint) => ({ ticks, event: "A", id: "1" });
  expect(compareOrderKeys(at(2n ** 60n), at(2n ** 60n + 1n))).toBeLessThan(0);
});

/** Whether these three contradict no total order: reflexive, antisymmetric, transitive. */
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
