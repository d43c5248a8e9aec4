/**
 * Returns a text as it is searched: names, e-mails and ids, and what is looked for in them, so that neither case nor
 * Unicode's other ways to write the same characters matter. A change of this function is one of the fold
 * (`FOLD_VERSION`), as the projection keeps its results.
 */
export function toSearchable(text: string): string {
  return (
    text
      // Postgres' `text` holds neither half a surrogate pair nor a NUL.
      .toWellFormed()
      .replaceAll("\0", "\uFFFD")
      .normalize("NFKC")
      // Only upper case makes "ß" equal to "SS", and a dotless "ı" to "I".
      .toUpperCase()
      .toLowerCase()
      .replaceAll("ς", "σ")
      // What a capital "ẞ" leaves.
      .replaceAll("ß", "ss")
      // The lower case of a dotted "İ" is an "i" with one more dot.
      .replaceAll("i\u0307", "i")
      .normalize("NFKC")
  );
}

/** What stands before a word, or is the start of the text. Of ASCII alone: what else parts words, differs by database. */
const WORD_START = String.raw`(^|[\u0001-/:-@\[-\u0060{-\u007f])`;

/** Begins with a letter or a digit of a script that parts words: neither ASCII punctuation, nor as Chinese is written. */
const SHORT_WORD = /^[0-9a-z\u0080-\u2e7f].?$/su;

/**
 * Returns the regular expression, alike in JavaScript and in Postgres, by which a searchable term of one or two
 * characters is found: where a word begins, as nearly everybody has any two characters somewhere. `undefined` for
 * any other term: it is found as any part of a text.
 */
export function shortTermPattern(term: string): string | undefined {
  if (!SHORT_WORD.test(term)) return undefined;
  return WORD_START + term.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`);
}
