import fc, { type Arbitrary } from "fast-check";
import { altered, draft, write } from "./draft.ts";
import { LIMIT } from "./request.ts";

export const documented: Arbitrary<Buffer> = draft.map((whole) => write(whole));

/** A payload with one more member, at its end. */
export const withMember = (name: string, value: string): Arbitrary<Buffer> =>
  draft.map((whole) => write(whole, `,${JSON.stringify(name)}:${value}`));

export const wrongTypes = altered(
  fc.oneof(fc.constantFrom("null", "true", "0", "-1", "1.5", '""', "[]", "{}", '[{"a":[]}]'), fc.json()),
);

const NAMES = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "toJSON",
  "then",
  "",
  "0",
];
const FIELDS = ["id", "event", "webhookEvent", "data", "creationTimeUtc", "entityId", "entity", "attempt"];

/** Names that mean something to JavaScript, and names that are there twice, in either case, or spelt with escapes. */
export const hostileNames = altered(
  fc.oneof(
    fc.json(),
    fc.constantFrom('"person-1"', '{"entityId":"person-2"}', '{"__proto__":{"entityId":"x"}}'),
  ),
  fc
    .constantFrom(...NAMES, ...FIELDS, ...FIELDS.map((name) => name.charAt(0).toUpperCase() + name.slice(1)))
    .map((name) =>
      JSON.stringify(name).replace(/[ie]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
    ),
);

/** What JSON's strings may hold, though hardly anyone expects it. */
const ODD = [
  ...Array.from("aé€😀\u2028\u202e\ufeff\u007f\uffff"),
  ...[
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\ud83d\\ude00",
    '\\"',
    "\\\\",
    "\\/",
    "\\n",
    "\\u001b[2J",
    "%s",
    "';--",
  ],
];
const FORBIDDEN = ["\u0000", "\u0007", "\n", "\\x", "\\u12", '"'];

const text = (units: readonly string[]) =>
  fc.array(fc.constantFrom(...units), { maxLength: 20 }).map((some) => `"${some.join("")}"`);

/** NUL, halves of surrogate pairs, marks that turn the line, controls raw and escaped, escapes that are none. */
export const hostileText = altered(
  fc.oneof({ weight: 6, arbitrary: text(ODD) }, { weight: 1, arbitrary: text([...ODD, ...FORBIDDEN]) }),
);

export const hugeNumbers = altered(
  fc.oneof(
    fc.constantFrom(
      "1e400",
      "-1e400",
      "1e-400",
      "-0",
      "9007199254740993",
      "1E+2147483648",
      "0.1e1000000000",
      "01",
      "1.",
    ),
    fc
      .tuple(
        fc.constantFrom("", "-", "0.", "1."),
        fc.integer({ min: 1, max: 5_000 }),
        fc.constantFrom("", "e9", "e-9"),
      )
      .map(([sign, digits, exponent]) => `${sign}${"7".repeat(digits)}${exponent}`),
  ),
);

export const oddTimes = altered(
  fc
    .oneof(
      fc.constantFrom(
        "",
        "0000-00-00T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "+275760-09-13T00:00:00Z",
        "now",
      ),
      fc.constantFrom("2022-02-30T00:00:00Z", "2022-02-01", "2022-02-01T24:00:00Z", "2022-02-01T00:00:60Z"),
      fc.date().map(String),
      fc
        .tuple(fc.date({ noInvalidDate: true }), fc.constantFrom("", "+14:00", "-12:34", "+99:99"))
        .map(([date, zone]) => date.toISOString().replace("Z", zone)),
    )
    .map((time) => JSON.stringify(time)),
  fc.constant('"creationTimeUtc"'),
);

const nest = (depth: number, kind: string, closed: boolean): string => {
  const [open, close] = kind === "list" ? ["[", "]"] : ['{"a":', "}"];
  return `${open.repeat(depth)}0${closed ? close.repeat(depth) : ""}`;
};

/** Up to 10,000 levels, as a field's value or as the whole body, closed or not. */
export const nested = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom(1, 10, 97, 98, 99, 100, 101, 10_000)),
    fc.constantFrom("list", "object"),
    fc.boolean(),
  )
  .chain(([depth, kind, closed]) => {
    const value = nest(depth, kind, closed);
    return fc.oneof(altered(fc.constant(value)), fc.constant(Buffer.from(value)));
  });

export const anyJson: Arbitrary<Buffer> = fc.json().map((text) => Buffer.from(text));

export const anyBytes: Arbitrary<Buffer> = fc
  .uint8Array({ maxLength: 2_000 })
  .map((bytes) => Buffer.from(bytes));

/** A payload with some bytes changed, put in, taken out, or cut off. */
export const mutated: Arbitrary<Buffer> = fc
  .tuple(
    documented,
    fc.array(
      fc.record({ at: fc.nat(), how: fc.constantFrom("change", "insert", "drop", "cut"), byte: fc.nat(255) }),
      { minLength: 1, maxLength: 8 },
    ),
  )
  .map(([body, edits]) =>
    edits.reduce((bytes, { at, how, byte }) => {
      const place = at % (bytes.length + 1);
      if (how === "cut") return bytes.subarray(0, place);
      const put = how === "drop" ? [] : [byte];
      return Buffer.concat([
        bytes.subarray(0, place),
        Buffer.from(put),
        bytes.subarray(place + (how === "insert" ? 0 : 1)),
      ]);
    }, body),
  );

/** One field of nearly a mebibyte, so that the whole body is just within the limit, or just beyond it. */
export const large: Arbitrary<Buffer> = fc
  .tuple(
    draft,
    fc.constantFrom("entity", "entityId", "description", "message", "email", "unknown"),
    fc.constantFrom("x", "\\u0000", "\\ud800", '\\"', "é", "\\\\", " "),
    fc.constantFrom(LIMIT - 1, LIMIT, LIMIT + 1, LIMIT + 70_000),
  )
  .map(([whole, field, unit, size]) => {
    const name = JSON.stringify(field);
    const others = whole.data.filter(([other]) => other !== name);
    const filled = (text: string) => write({ ...whole, data: [...others, [name, `"${text}"`]] });
    const room = size - filled("").length;
    const units = Math.floor(room / Buffer.byteLength(unit));
    return filled(unit.repeat(units) + "y".repeat(room - units * Buffer.byteLength(unit)));
  });
