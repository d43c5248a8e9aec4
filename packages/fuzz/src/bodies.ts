import fc, { type Arbitrary } from "fast-check";
import { encodePayload, mutatedPayload, validPayload } from "./payload.ts";
import { BODY_LIMIT_BYTES } from "./request.ts";

export const documented: Arbitrary<Buffer> = validPayload.map((payload) => encodePayload(payload));

/** Valid payloads with one more member at the end; `value` is JSON text. */
export function withMember(name: string, value: string): Arbitrary<Buffer> {
  return validPayload.map((payload) => encodePayload(payload, `,${JSON.stringify(name)}:${value}`));
}

export const wrongTypes = mutatedPayload(
  fc.oneof(fc.constantFrom("null", "true", "0", "-1", "1.5", '""', "[]", "{}", '[{"a":[]}]'), fc.json()),
);

const SPECIAL_NAMES = [
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
const FIELD_NAMES = [
  "id",
  "event",
  "webhookEvent",
  "data",
  "creationTimeUtc",
  "entityId",
  "entity",
  "attempt",
];

/** Names that JavaScript treats specially, and the fields' own names again: duplicate, in either case, with escapes. */
export const hostileNames = mutatedPayload(
  fc.oneof(
    fc.json(),
    fc.constantFrom('"person-1"', '{"entityId":"person-2"}', '{"__proto__":{"entityId":"x"}}'),
  ),
  fc
    .constantFrom(
      ...SPECIAL_NAMES,
      ...FIELD_NAMES,
      ...FIELD_NAMES.map((name) => name.charAt(0).toUpperCase() + name.slice(1)),
    )
    .map((name) =>
      JSON.stringify(name).replace(/[ie]/, (letter) => `\\u00${letter.charCodeAt(0).toString(16)}`),
    ),
);

/** Allowed in a JSON string. */
const UNUSUAL = [
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
/** Not allowed in a JSON string. */
const FORBIDDEN = ["\u0000", "\u0007", "\n", "\\x", "\\u12", '"'];

function stringOf(units: readonly string[]): Arbitrary<string> {
  return fc.array(fc.constantFrom(...units), { maxLength: 20 }).map((parts) => `"${parts.join("")}"`);
}

/** NUL, lone surrogates, bidirectional overrides, raw and escaped control characters, invalid escapes. */
export const hostileText = mutatedPayload(
  fc.oneof(
    { weight: 6, arbitrary: stringOf(UNUSUAL) },
    { weight: 1, arbitrary: stringOf([...UNUSUAL, ...FORBIDDEN]) },
  ),
);

export const hugeNumbers = mutatedPayload(
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

export const unusualTimes = mutatedPayload(
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

function nest(depth: number, kind: string, closed: boolean): string {
  const [open, close] = kind === "array" ? ["[", "]"] : ['{"a":', "}"];
  return `${open.repeat(depth)}0${closed ? close.repeat(depth) : ""}`;
}

/** Up to 10,000 levels of arrays or objects, as a field's value or as the whole body, closed or not. */
export const deepNesting = fc
  .tuple(
    fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.constantFrom(1, 10, 97, 98, 99, 100, 101, 10_000)),
    fc.constantFrom("array", "object"),
    fc.boolean(),
  )
  .chain(([depth, kind, closed]) => {
    const value = nest(depth, kind, closed);
    return fc.oneof(mutatedPayload(fc.constant(value)), fc.constant(Buffer.from(value)));
  });

export const anyJson: Arbitrary<Buffer> = fc.json().map((text) => Buffer.from(text));

export const anyBytes: Arbitrary<Buffer> = fc
  .uint8Array({ maxLength: 2_000 })
  .map((bytes) => Buffer.from(bytes));

/** Valid payloads with 1 to 8 bytes replaced, inserted or dropped, or with their end cut off. */
export const mutatedBytes: Arbitrary<Buffer> = fc
  .tuple(
    documented,
    fc.array(
      fc.record({
        at: fc.nat(),
        kind: fc.constantFrom("replace", "insert", "drop", "cut"),
        byte: fc.nat(255),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  )
  .map(([body, mutations]) =>
    mutations.reduce((bytes, { at, kind, byte }) => {
      const index = at % (bytes.length + 1);
      if (kind === "cut") return bytes.subarray(0, index);
      return Buffer.concat([
        bytes.subarray(0, index),
        Buffer.from(kind === "drop" ? [] : [byte]),
        bytes.subarray(kind === "insert" ? index : index + 1),
      ]);
    }, body),
  );

/** One field is so long that the body is as long as the limit, or a little shorter or longer. */
export const atSizeLimit: Arbitrary<Buffer> = fc
  .tuple(
    validPayload,
    fc.constantFrom("entity", "entityId", "description", "message", "email", "unknown"),
    fc.constantFrom("x", "\\u0000", "\\ud800", '\\"', "é", "\\\\", " "),
    fc.constantFrom(BODY_LIMIT_BYTES - 1, BODY_LIMIT_BYTES, BODY_LIMIT_BYTES + 1, BODY_LIMIT_BYTES + 70_000),
  )
  .map(([payload, field, unit, size]) => {
    const name = JSON.stringify(field);
    const others = payload.data.filter(([other]) => other !== name);
    const withText = (text: string) => encodePayload({ ...payload, data: [...others, [name, `"${text}"`]] });
    const missing = size - withText("").length;
    const units = Math.floor(missing / Buffer.byteLength(unit));
    return withText(unit.repeat(units) + "y".repeat(missing - units * Buffer.byteLength(unit)));
  });
