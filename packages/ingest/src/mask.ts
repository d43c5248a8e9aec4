const ASTERISK = "*".charCodeAt(0);

/**
 * Makes what overwrites these secrets in a body with asterisks, byte for byte, so that the kept bytes give none away
 * and every other byte stays as it was. JSON may write a secret's characters as escapes (`\u0077hs_…`), which reads
 * as the secret all the same, so that is overwritten too. Changes the body itself, and gives it back.
 */
export function secretMask(secrets: readonly string[]): (body: Buffer) => Buffer {
  // The longest first, because one secret may begin with another.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(anySpelling).join("|"), "g");
  return (body) => {
    // One character a byte, so that a match's index is the byte's.
    for (const { 0: found, index } of body.toString("latin1").matchAll(pattern)) {
      body.fill(ASTERISK, index, index + found.length);
    }
    return body;
  };
}

/** Each character as its bytes in UTF-8, as `\u` and its code, or, where JSON knows that, after a backslash. */
function anySpelling(secret: string): string {
  return Array.from(secret, (character) => {
    const bytes = Array.from(Buffer.from(character), (byte) => `\\x${hex(byte, 2)}`).join("");
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    const escaped = units.map((unit) => `\\\\u${inEitherCase(hex(unit, 4))}`).join("");
    const backslash = '"\\/'.includes(character) ? "\\\\?" : "";
    return `(?:${backslash}${bytes}|${escaped})`;
  }).join("");
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function inEitherCase(digits: string): string {
  return digits.replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}
