const ASTERISK = "*".charCodeAt(0);
const BACKSLASH = "\\".charCodeAt(0);

/**
 * Returns a function that overwrites these secrets in a body with asterisks, byte for byte, so that the recorded bytes
 * hold no secret and every other byte is unchanged. JSON may escape a secret's characters (`\u0077hs_…`); such a
 * spelling is overwritten too. The function changes the body in place, and returns it.
 */
export function createSecretMask(secrets: readonly string[]): (body: Buffer) => Buffer {
  // Longest first, because one secret may begin with another.
  const longestFirst = secrets.toSorted((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(spellingPattern).join("|"), "g");
  const unescaped = secrets.map((secret) => Buffer.from(secret));
  return (body) => {
    // Most bodies have neither, and need not become a string.
    if (!body.includes(BACKSLASH) && !unescaped.some((secret) => body.includes(secret))) return body;
    // In Latin-1 each character is one byte, so a match's index is a byte's index.
    for (const { 0: match, index } of body.toString("latin1").matchAll(pattern)) {
      body.fill(ASTERISK, index, index + match.length);
    }
    return body;
  };
}

/** Returns a pattern in which each character is its UTF-8 bytes, its `\u` escape, or, where JSON allows it, `\` and itself. */
function spellingPattern(secret: string): string {
  return Array.from(secret, (character) => {
    const bytes = Array.from(Buffer.from(character), (byte) => `\\x${hex(byte, 2)}`).join("");
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    const escaped = units.map((unit) => `\\\\u${anyCase(hex(unit, 4))}`).join("");
    const backslash = '"\\/'.includes(character) ? "\\\\?" : "";
    return `(?:${backslash}${bytes}|${escaped})`;
  }).join("");
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

function anyCase(digits: string): string {
  return digits.replace(/[a-f]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
}
