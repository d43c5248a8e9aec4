import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, MAX_DEPTH, parseJson, type Json, type JsonObject } from "../src/index.ts";

const value = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const digits = fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 25 }).map((all) => all.join(""));
const numberText = fc
  .record({
    sign: fc.constantFrom("", "-"),
    whole: fc.oneof(
      fc.constant("0"),
      digits.map((text) => text.replace(/^0+(?=\d)/, "")),
    ),
    fraction: fc.oneof(
      fc.constant(""),
      digits.map((text) => `.${text}`),
    ),
    exponent: fc.oneof(
      fc.constant(""),
      fc
        .tuple(fc.constantFrom("e", "E"), fc.constantFrom("", "+", "-"), fc.nat({ max: 400 }))
        .map((parts) => parts.join("")),
    ),
  })
  .map(({ sign, whole, fraction, exponent }) => sign + whole + fraction + exponent);

describe("numbers", () => {
  test("keep their exact value, beyond a double's digits and range, at any position", () => {
    const positions = fc.constantFrom(
      (n: string) => `[${n}]`,
      (n: string) => `[0,${n}]`,
      (n: string) => `{"n":${n}}`,
      (n: string) => `{"n":\t\r\n ${n} }`,
      (n: string) => n,
    );
    fc.assert(
      fc.property(numberText, positions, (text, at) => {
        const kept = canonicalJson(parseJson(at(text)));
        const [number = ""] = /-?\d[\d.eE+-]*(?=[\]}]?$)/.exec(kept) ?? [];
        expect(exactValue(number)).toBe(exactValue(text));
      }),
      { numRuns: 5000, examples: [["12345678901234567890", (n) => n]] },
    );
  });
  test("that differ in the twentieth digit stay different", () => {
    const [a, b] = ["[1.0000000000000000001]", "[1.0000000000000000002]"];
    expect(canonicalJson(parseJson(a))).not.toBe(canonicalJson(parseJson(b)));
  });
  test("in strings stay strings", () => {
    const text = '["12345678901234567890",":12345678901234567890","1e999"]';
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(canonicalJson(parseJson(text))).toBe(text);
  });
});

describe("the canonical text", () => {
  test("has the same value", () => {
    fc.assert(
      fc.property(value, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 1000 },
    );
  });
  test("of a canonical text is itself", () => {
    fc.assert(
      fc.property(value, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(parseJson(text))).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });
  test("depends neither on the order of names nor on white space", () => {
    fc.assert(
      fc.property(value, (value) => {
        const rewritten = parseJson(JSON.stringify(withNamesReversed(value), null, "\t"));
        expect(canonicalJson(rewritten)).toBe(canonicalJson(parseJson(JSON.stringify(value))));
      }),
      { numRuns: 1000 },
    );
  });
  test("depends on the order of items", () => {
    expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
  });
  test("is valid Unicode without a raw NUL, for any texts and names", () => {
    const unit = fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit));
    const text = fc.string({ unit: fc.oneof(unit, fc.constantFrom("\0", "\ud800", "\udc00")) });
    fc.assert(
      fc.property(fc.dictionary(text, text), (value) => {
        const canonical = canonicalJson(value);
        expect(canonical.isWellFormed() && !canonical.includes("\0")).toBe(true);
        expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 1000 },
    );
  });
});

test("of a repeated name the last value counts, also beside a number that keeps its digits", () => {
  expect(canonicalJson(parseJson('{"a":1,"b":0,"a":2}'))).toBe('{"a":2,"b":0}');
  expect(canonicalJson(parseJson('{"a":12345678901234567890,"a":2}'))).toBe('{"a":2}');
});

test.each(['{"__proto__":{"polluted":1}}', '{"__proto__":{"polluted":12345678901234567890}}'])(
  "%s keeps its name, and changes no prototype",
  (text) => {
    const value = parseJson(text);
    expect(canonicalJson(value)).toBe(text);
    expect(value).not.toHaveProperty("polluted");
    expect({}).not.toHaveProperty("polluted");
  },
);

test("objects with an own `rawJSON` or `toJSON` are objects like any other", () => {
  const text = '{"a":{"rawJSON":"1"},"b":{"toJSON":"x"}}';
  expect(canonicalJson(parseJson(text))).toBe(text);
});

describe("nesting", () => {
  const nested = (levels: number, innermost = "") => "[".repeat(levels) + innermost + "]".repeat(levels);

  test.each(["", "12345678901234567890"])(
    "as deep as MAX_DEPTH is parsed and written (innermost: %j)",
    (inner) => {
      const text = nested(MAX_DEPTH, inner);
      expect(canonicalJson(parseJson(text))).toBe(text);
    },
  );
  test.each([
    ["one level deeper", nested(MAX_DEPTH + 1)],
    ["10,000 deep", nested(10_000)],
    ["10,000 deep around a long number", nested(10_000, "12345678901234567890")],
    ["a mebibyte deep", nested(524_288)],
    ["10,000 objects deep", `${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`],
  ])("%s is a RangeError, not a stack overflow", (_, text) => {
    expect(() => parseJson(text)).toThrow(new RangeError(`nested deeper than ${MAX_DEPTH} levels`));
  });
});

/** Returns the digits and the power of ten of a JSON number: equal for `1.50`, `15e-1` and `0.15E1`. */
function exactValue(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const significant = (whole + fraction).replace(/^0+/, "");
  const shortest = significant.replace(/0+$/, "");
  const power = Number(exponent) - fraction.length + (significant.length - shortest.length);
  return shortest === "" ? "0" : `${sign}${shortest}e${power}`;
}

function withNamesReversed(value: Json): Json {
  if (Array.isArray(value)) return value.map(withNamesReversed);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value as JsonObject).toReversed();
  return Object.fromEntries(members.map(([name, member]) => [name, withNamesReversed(member)]));
}
