import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSecretMask } from "../src/mask.ts";

const SECRET = "whs_ef0dbc12345c418ab4a1cc4c888dea02";
const STARS = "*".repeat(SECRET.length);
const mask = (body: string, secrets: readonly string[] = [SECRET]) =>
  createSecretMask(secrets)(Buffer.from(body)).toString();

/** A secret as JSON may spell it: each character plain, or as an escape with digits in either case. */
const arbitrarySpelling = (secret: string) =>
  fc.tuple(...Array.from(secret, characterSpellings)).map((characters) => characters.join(""));

function characterSpellings(character: string): fc.Arbitrary<string> {
  const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
  const digits = units.map((unit) => unit.toString(16).padStart(4, "0"));
  return fc.constantFrom(
    JSON.stringify(character).slice(1, -1),
    digits.map((four) => `\\u${four}`).join(""),
    digits.map((four) => `\\u${four.toUpperCase()}`).join(""),
  );
}

describe("the mask of secrets", () => {
  test("overwrites a secret at every place, and nothing else", () => {
    const around = (secret: string) =>
      `{"secret":"${secret}","data":{"note":"${secret}${secret} é"},"x":"whs_"}`;
    expect(mask(around(SECRET))).toBe(around(STARS));
  });

  test("overwrites every secret, even one that begins with another", () => {
    expect(mask(`["${SECRET}","${SECRET}7","other"]`, [SECRET, `${SECRET}7`, "other"])).toBe(
      `["${STARS}","${STARS}*","*****"]`,
    );
  });

  test("overwrites a secret with any escapes, and changes no other byte", () => {
    fc.assert(
      fc.property(arbitrarySpelling(SECRET), fc.json(), fc.json(), (spelling, before, after) => {
        const around = (secret: string) => `[${before},{"a":"\\"${secret}\\\\"},${after}]`;
        expect(mask(around(spelling))).toBe(around("*".repeat(spelling.length)));
      }),
    );
  });

  test("overwrites a secret with characters that JSON escapes or that are not ASCII", () => {
    const secret = 'a/b"c\\dé😀';
    fc.assert(
      fc.property(arbitrarySpelling(secret), (spelling) => {
        expect(mask(`{"x":"${spelling}"}`, [secret])).toBe(
          `{"x":"${"*".repeat(Buffer.byteLength(spelling))}"}`,
        );
      }),
    );
    expect(mask('{"x":"a\\/b"}', ["a/b"])).toBe('{"x":"****"}');
  });

  test("keeps the bytes of a body that is not UTF-8", () => {
    const body = Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(SECRET), Buffer.from([0xc3])]);
    expect(createSecretMask([SECRET])(body)).toEqual(
      Buffer.concat([Buffer.from([0xff, 0x00]), Buffer.from(STARS), Buffer.from([0xc3])]),
    );
  });

  test.each(["*", "**"])("terminates if the secret is asterisks: %s", (secret) => {
    expect(mask("a***b", [secret])).toBe("a***b");
  });
});
