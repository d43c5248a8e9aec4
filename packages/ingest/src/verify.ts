import { createHmac, hash, timingSafeEqual } from "node:crypto";
import { err, ok, upcast, type JsonObject, type Result } from "@dossier/events";

/** How a delivery was verified, and with which of the secrets. */
export interface Verification {
  readonly by: "signature" | "payload-secret";
  readonly secret: string;
}

export type VerificationFailure =
  | "no-signature-and-no-secret"
  | "malformed-signature"
  | "wrong-signature"
  | "wrong-payload-secret";

/**
 * Verifies that iComply sent these bytes: by the `abp-webhook-signature` header if there is one, else by the payload's
 * own secret. A wrong signature fails, whatever the payload says. Every secret is compared in constant time, so that a
 * secret can be replaced while both are in use.
 *
 * @param body the raw bytes, before any decoding
 */
export function verify(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): Result<Verification, VerificationFailure> {
  if (signature !== undefined) return verifySignature(body, signature, secrets);
  const claimed = readPayloadSecret(body);
  if (claimed === undefined) return err("no-signature-and-no-secret");
  // Digests have equal lengths, so the time does not reveal the length of a secret.
  const digest = hash("sha256", claimed, "buffer");
  const secret = findSecret(secrets, (known) => timingSafeEqual(hash("sha256", known, "buffer"), digest));
  return secret === undefined ? err("wrong-payload-secret") : ok({ by: "payload-secret", secret });
}

/** Returns an identifier of a secret that does not reveal it: the start of its SHA-256. */
export function fingerprint(secret: string): string {
  return `sha256:${hash("sha256", secret).slice(0, 16)}`;
}

// `sha256=` and upper-case hex pairs with hyphens; a fork of the sender's system writes lower case without hyphens.
const SIGNATURE = /^sha256=((?:[0-9a-f]{2}-?){31}[0-9a-f]{2})$/i;

function verifySignature(
  body: Uint8Array,
  signature: string,
  secrets: readonly string[],
): Result<Verification, VerificationFailure> {
  const hex = SIGNATURE.exec(signature.trim())?.[1]?.replaceAll("-", "");
  if (hex === undefined) return err("malformed-signature");
  const claimed = Buffer.from(hex, "hex");
  const secret = findSecret(secrets, (known) =>
    timingSafeEqual(createHmac("sha256", known).update(body).digest(), claimed),
  );
  return secret === undefined ? err("wrong-signature") : ok({ by: "signature", secret });
}

/** Compares every secret, even after a match, so that the time does not reveal which one matched. */
function findSecret(secrets: readonly string[], matches: (secret: string) => boolean): string | undefined {
  const matched = secrets.map(matches);
  return secrets[matched.indexOf(true)];
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function readPayloadSecret(body: Uint8Array): string | undefined {
  let payload: unknown;
  try {
    payload = JSON.parse(utf8.decode(body));
  } catch {
    return undefined;
  }
  if (typeof payload !== "object" || payload === null) return undefined;
  const { secret, webhookSecret } = upcast(payload as JsonObject);
  const claimed = secret ?? webhookSecret;
  return typeof claimed === "string" ? claimed : undefined;
}
