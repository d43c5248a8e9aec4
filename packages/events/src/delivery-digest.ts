import { createHash } from "node:crypto";

/** What is kept of how a webhook came, in the form in which it is stored. */
export interface KeptDelivery {
  readonly deliveryId: string;
  /** The kept bytes. */
  readonly body: Uint8Array;
  /** The kept headers' JSON text. */
  readonly headersJson: string;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
}

/**
 * SHA-256 over all that is kept of a delivery but the time at which it was received, which is not known before it is
 * stored. It is made once, when the delivery is recorded; the chain of a person's log carries it on.
 */
export function deliveryDigest({
  deliveryId,
  body,
  headersJson,
  verifiedBy,
  secretFingerprint,
}: KeptDelivery): Buffer {
  // An array's text ends with its bracket: no byte can pass from it into the body unnoticed.
  const head = JSON.stringify([deliveryId, headersJson, verifiedBy, secretFingerprint]);
  return createHash("sha256").update(head).update(body).digest();
}
