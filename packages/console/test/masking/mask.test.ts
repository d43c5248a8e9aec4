import fc from "fast-check";
import { expect, test } from "vitest";
import { maskEmail, maskName } from "../../src/masking/mask.ts";

test.each([
  ["John Doe", "J••• D••"],
  ["J", "J•"],
  ["Maximilian-Alexander von und zu Hohenstein Junior", "M••• v•• u•• z•"],
  ["王小明", "王••"],
  ["e\u0301mile", "e\u0301•••"],
  ["\u202Eevil  \u0000name", "e••• n•••"],
  [" \u200B ", ""],
])("the name %j is shown as %j", (name, masked) => {
  expect(maskName(name)).toBe(masked);
});

test.each([
  ["jane.doe@mail.example.com", "j•••@m•••.com"],
  ["j@m.co", "j•••@m•••.co"],
  ["j@localhost", "j•••@l•••"],
  ["j@mail.doe-family", "j•••@m•••"],
  ['"a@b"@mail.example', '"•••@m•••'],
  ["no address", "n• a•••"],
])("the e-mail %j is shown as %j", (email, masked) => {
  expect(maskEmail(email)).toBe(masked);
});

test("a mask shows at most one character of each word, four in all, however long a name is", () => {
  const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 5_000 }), (name) => {
      const shown = maskName(name).replaceAll(/[• ]/gu, "");
      expect(Array.from(graphemes.segment(shown)).length).toBeLessThanOrEqual(4);
      expect(Array.from(graphemes.segment(maskName(name))).length).toBeLessThanOrEqual(4 * 4 + 3);
    }),
    { numRuns: 200 },
  );
});
