const ASTERISK = "*".charCodeAt(0);

/**
 * Overwrites every secret in a body with asterisks, byte for byte, so that the kept bytes give none away and every
 * other byte stays where it was. Changes `body` itself, and gives it back.
 */
export function maskSecrets(body: Buffer, secrets: readonly string[]): Buffer {
  for (const secret of secrets) {
    const bytes = Buffer.from(secret);
    for (let at = body.indexOf(bytes); at !== -1; at = body.indexOf(bytes, at)) {
      body.fill(ASTERISK, at, at + bytes.length);
    }
  }
  if (body.includes("\\")) maskEscaped(body, secrets);
  return body;
}

// One character a byte, so that a match's index is the byte's.
const STRING_WITH_ESCAPE = /"[^"\\]*\\(?:[^"\\]|\\.)*"/gs;

/** JSON may write a secret's characters as escapes (`\u0077hs_…`), which then reads as the secret all the same. */
function maskEscaped(body: Buffer, secrets: readonly string[]): void {
  for (const { 0: token, index } of body.toString("latin1").matchAll(STRING_WITH_ESCAPE)) {
    const text = decoded(token);
    if (secrets.some((secret) => text.includes(secret)))
      body.fill(ASTERISK, index + 1, index + token.length - 1);
  }
}

function decoded(token: string): string {
  try {
    return String(JSON.parse(Buffer.from(token, "latin1").toString("utf8")));
  } catch {
    return "";
  }
}
