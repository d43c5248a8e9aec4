import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, diffJson, parseJson, type Json } from "../src/index.ts";

// Names that also stand in every object's prototype, and numbers that a double does not distinguish.
const name = fc.constantFrom("a", "b", "0", "__proto__", "constructor");
const value = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<Json>(null, true, 0, -0, 1, "", "0", "{}", {}, []),
    fc.constantFrom("12345678901234567890", "12345678901234567891").map(parseJson),
    fc.array(tie("value"), { maxLength: 3 }),
    fc
      .array(fc.tuple(name, tie("value")), { maxLength: 3 })
      .map((members) => Object.fromEntries(members) as Json),
  ),
})).value;

test("there is no difference if and only if the canonical texts are equal", () => {
  fc.assert(
    fc.property(value, value, (before, after) => {
      expect(diffJson(before, after).length === 0).toBe(canonicalJson(before) === canonicalJson(after));
    }),
    { numRuns: 3000 },
  );
});

test("each difference has the values at its path, and they differ", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      for (const { path, before, after } of diffJson(a, b)) {
        expect(textOf(before)).toBe(textOf(valueAt(a, path)));
        expect(textOf(after)).toBe(textOf(valueAt(b, path)));
        expect(textOf(before)).not.toBe(textOf(after));
      }
    }),
    { numRuns: 3000 },
  );
});

test("the differences of swapped values are the same with before and after swapped", () => {
  fc.assert(
    fc.property(value, value, (a, b) => {
      const byPath = (x: { path: string }, y: { path: string }) => (x.path < y.path ? -1 : 1);
      const swapped = diffJson(b, a).map(({ path, before, after }) => ({
        path,
        before: after,
        after: before,
      }));
      expect(swapped.sort(byPath)).toEqual([...diffJson(a, b)].sort(byPath));
    }),
    { numRuns: 1000 },
  );
});

test.each<[string, Json, Json, string]>([
  ["a scalar's change has the empty path", 1, 2, ""],
  ["names are joined by dots", { a: { b: 1 } }, { a: { b: 2 } }, "a.b"],
  ["an item's index is part of the path", { a: [0, { b: 1 }] }, { a: [0, { b: 2 }] }, "a.1.b"],
  ["an object for an array is one difference", { a: ["x"] }, { a: { 0: "x" } }, "a"],
  ["a scalar for an object is one difference", { a: { b: 1 } }, { a: "x" }, "a"],
  ["a number for its text is one difference", { a: 1 }, { a: "1" }, "a"],
  ["null for an empty object is one difference", { a: null }, { a: {} }, "a"],
])("%s", (_, before, after, path) => {
  expect(diffJson(before, after).map((difference) => difference.path)).toEqual([path]);
});

test("a missing member is undefined on its side, and null is a value", () => {
  expect(diffJson({ a: null }, {})).toEqual([{ path: "a", before: null, after: undefined }]);
  expect(diffJson([1], [1, [2]])).toEqual([{ path: "1", before: undefined, after: [2] }]);
  expect(diffJson(undefined, { a: 1 })).toEqual([{ path: "", before: undefined, after: { a: 1 } }]);
  expect(diffJson(undefined, undefined)).toEqual([]);
});

test("all differences are listed, the first value's names first", () => {
  const paths = diffJson({ b: 1, a: 1, same: 1 }, { c: 1, a: 2, same: 1 }).map(({ path }) => path);
  expect(paths).toEqual(["b", "a", "c"]);
});

test("no path is built beyond the limit, as all of them may need gigabytes", () => {
  const members = (value: number) => Object.fromEntries(Array.from({ length: 40_000 }, (_, i) => [i, value]));
  const key = "k".repeat(30_000);
  expect(diffJson({ [key]: members(1) }, { [key]: members(2) }, 51)).toHaveLength(51);
});

test("numbers that are equal as doubles differ by their digits", () => {
  const [before, after] = ["[12345678901234567890]", "[12345678901234567891]"].map(parseJson);
  expect(diffJson(before, after).map(({ path }) => path)).toEqual(["0"]);
});

function textOf(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}

function valueAt(value: Json | undefined, path: string): Json | undefined {
  if (path === "") return value;
  return path.split(".").reduce<Json | undefined>((at, name) => {
    const own = typeof at === "object" && at !== null && Object.hasOwn(at, name);
    return own ? (at as Record<string, Json>)[name] : undefined;
  }, value);
}
