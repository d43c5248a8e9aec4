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
