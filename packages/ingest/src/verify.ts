import { createHmac, hash, timingSafeEqual } from "node:crypto";
import { err, ok, upcast, type JsonObject, type Result } from "@dossier/events";

/** How a delivery was found authentic, and with which of the secrets. */
export interface Verified {
  readonly by: "signature" | "payload-secret";
  readonly secret: string;
}

/** Why a delivery was refused. */
export type Refusal =
  | "no-signature-and-no-secret"
  | "malformed-signature"
  | "wrong-signature"
  | "wrong-payload-secret";

/**
 * Tells whether iComply sent these bytes: by the `abp-webhook-signature` header where there is one, else by the
 * payload's own secret field. A header that does not fit is a refusal, whatever the payload says. Every secret is
 * tried, in constant time, so that a secret can be replaced while both are in use.
 *
 * @param body the raw bytes, before anything decodes them
 */
export function verify(
  body: Uint8Array,
  signature: string | undefined,
  secrets: readonly string[],
): Result<Verified, Refusal> {
  if (signature !== undefined) return verifySignature(body, signature, secrets);
  const claimed = payloadSecret(body);
  if (claimed === undefined) return err("no-signature-and-no-secret");
  // Digests, because they are of equal length: the time does not tell how long a secret is either.
  const digest = hash("sha256", claimed, "buffer");
  const secret = findSecret(secrets, (known) => timingSafeEqual(hash("sha256", known, "buffer"), digest));
  return secret === undefined ? err("wrong-payload-secret") : ok({ by: "payload-secret", secret });
}

/** Names a secret in the record without giving it away: the start of its SHA-256. */
export function fingerprint(secret: string): string {
  return `sha256:${hash("sha256", secret).slice(0, 16)}`;
}

// `sha256=` and upper-case hex pairs with hyphens; a fork of the sender's system writes lower case without.
const SIGNATURE = /^sha256=((?:[0-9a-f]{2}-?){31}[0-9a-f]{2})$/i;

function verifySignature(
  body: Uint8Array,
  signature: string,
  secrets: readonly string[],
): Result<Verified, Refusal> {
  const hex = SIGNATURE.exec(signature.trim())?.[1]?.replaceAll("-", "");
  if (hex === undefined) return err("malformed-signature");
  const given = Buffer.from(hex, "hex");
  const secret = findSecret(secrets, (known) =>
    timingSafeEqual(createHmac("sha256", known).update(body).digest(), given),
  );
  return secret === undefined ? err("wrong-signature") : ok({ by: "signature", secret });
}

/** Tries every secret, also after one that fits: the time does not tell which it was. */
function findSecret(secrets: readonly string[], fits: (secret: string) => boolean): string | undefined {
  const fitting = secrets.map(fits);
  return secrets[fitting.indexOf(true)];
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function payloadSecret(body: Uint8Array): string | undefined {
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
