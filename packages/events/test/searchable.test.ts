import { expect, test } from "vitest";
import { shortTermPattern, toSearchable } from "../src/index.ts";

test.each([
  ["a final sigma", "Οδυσσεύς", "ΟΔΥΣΣΕΎΣ"],
  ["a final sigma in the middle", "οδυσσεύς", "οδυσσεύσ"],
  ["composed and decomposed accents", "Zoë", "ZOE\u0308"],
  ["Hangul syllables and their letters", "한글", "한글".normalize("NFD")],
  ["ß and ss", "Goethestraße", "GOETHESTRASSE"],
  ["a capital ß", "STRAẞE", "strasse"],
  ["a dotted capital I", "İstanbul", "istanbul"],
  ["a dotless small i", "ıstanbul", "ISTANBUL"],
  ["full width", "Ａｄａ", "ada"],
  ["half-width katakana", "ｶﾀｶﾅ", "カタカナ"],
  ["a no-break space", "Ada\u00A0Byron", "ada byron"],
  ["a ligature", "ﬁnn", "FINN"],
])("%s: both ways of writing are searched alike", (_what, one, other) => {
  expect(toSearchable(one)).toBe(toSearchable(other));
  expect(toSearchable(toSearchable(one))).toBe(toSearchable(one));
});

test("different letters stay different, also those that differ in an accent", () => {
  expect(new Set(["e", "é", "o", "ö", "σ", "s", "李", "林"].map(toSearchable)).size).toBe(8);
});

test("a part that ends in a sigma is found in the middle of a word", () => {
  expect(toSearchable("ΜΟΥΣΑ")).toContain(toSearchable("ΜΟΥΣ"));
});

test.each([
  ["jo", ["jo", "ada jo", "a.jo@x", "e-jo"], ["ajo", "éjo", "j o"]],
  ["é", ["é", "a é"], ["aé", "e"]],
  ["c+", ["c++", "a c+"], ["cc"]],
] as const)("%s is found where a word begins, and nowhere else", (term, found, notFound) => {
  const pattern = new RegExp(shortTermPattern(term) ?? "", "u");
  for (const text of found) expect.soft(pattern.test(text), text).toBe(true);
  for (const text of notFound) expect.soft(pattern.test(text), text).toBe(false);
});

test("punctuation, ideographs and three characters are found anywhere", () => {
  expect(["@x", "%", "李", "小龍", "한", "😀", "ada"].map(shortTermPattern)).toEqual(
    Array(7).fill(undefined),
  );
});
