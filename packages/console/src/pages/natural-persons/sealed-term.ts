import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";

/** For the anonymous viewer of a console without tokens, who has no session. */
const PROCESS_SECRET = randomBytes(32).toString("base64url");

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Returns a search term encrypted for one session, so that the URL of a list holds its whole state, and yet no history,
 * log or proxy that has the URL has the term, which is personal data.
 */
export function sealTerm(term: string, sessionId: string | undefined): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyOf(sessionId), iv);
  const sealed = [iv, cipher.update(term, "utf8"), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString("base64url");
}

/** Returns the term; `undefined` if it was not sealed in this session. */
export function openTerm(sealed: string, sessionId: string | undefined): string | undefined {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", keyOf(sessionId), bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch {
    return undefined;
  }
}

function keyOf(sessionId: string | undefined): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", sessionId ?? PROCESS_SECRET, "", "dossier search term", 32));
}
