import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { secretMask } from "../src/mask.ts";

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
const STARS = "*".repeat(SECRET.length);
const masked = (body: string, secrets: readonly string[] = [SECRET]) =>
  secretMask(secrets)(Buffer.from(body)).toString();

/** A secret as JSON may write it: each character plain, or as an escape with digits in either case. */
const spelling = (secret: string) =>
  fc.tuple(...Array.from(secret, spellings)).map((characters) => characters.join(""));

function spellings(character: string): fc.Arbitrary<string> {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  const digits = units.map((unit) => unit.toString(16).padStart(4, "0"));
  return fc.constantFrom(
    JSON.stringify(character).slice(1, -1),
    digits.map((four) => `\\u${four}`).join(""),
    digits.map((four) => `\\u${four.toUpperCase()}`).join(""),
  );
}

describe("the mask", () => {
  test("overwrites a secret wherever it stands, and nothing else", () => {
    const around = (secret: string) =>
      `{"secret":"${secret}","data":{"note":"${secret}${secret} é"},"x":"whs_"}`;
    expect(masked(around(SECRET))).toBe(around(STARS));
  });

  test("overwrites every secret, also one that begins with another", () => {
    expect(masked(`["${SECRET}","${SECRET}7","other"]`, [SECRET, `${SECRET}7`, "other"])).toBe(
      `["${STARS}","${STARS}*","*****"]`,
    );
  });

  test("leaves none behind however its characters are escaped, and every other byte as it was", () => {
    fc.assert(
      fc.property(spelling(SECRET), fc.json(), fc.json(), (spelt, before, after) => {
        const around = (secret: string) => `[${before},{"a":"\\"${secret}\\\\"},${after}]`;
        expect(masked(around(spelt))).toBe(around("*".repeat(spelt.length)));
      }),
    );
  });

  test("knows a secret with characters that JSON escapes, or beyond ASCII", () => {
    const secret = 'a/b"c\\dé😀';
    fc.assert(
      fc.property(spelling(secret), (spelt) => {
        expect(masked(`{"x":"${spelt}"}`, [secret])).toBe(`{"x":"${"*".repeat(Buffer.byteLength(spelt))}"}`);
      }),
    );
    expect(masked('{"x":"a\\/b"}', ["a/b"])).toBe('{"x":"****"}');
  });

  test("keeps the bytes of a body that is no UTF-8", () => {
    const body = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(SECRET), Buffer.from([0xc3])]);
    expect(secretMask([SECRET])(body)).toEqual(
      Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(STARS), Buffer.from([0xc3])]),
    );
  });

  test.each(["*", "**"])("ends for a secret that looks like what it writes: %s", (secret) => {
    expect(masked("a***b", [secret])).toBe("a***b");
  });
});
