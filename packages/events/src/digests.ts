import { createHash, hash } from "node:crypto";
import { canonicalJson, type JsonObject } from "./json.ts";
import { camelCaseNames } from "./upcast.ts";

/**
 * Returns SHA-256 of an event's data: equal for equal data, whatever the order or the case of its names.
 *
 * Digests are stored for ever, so of all steps of `upcast` only this one comes first: with a later one, a redelivery
 * would have another digest than its event has in the log, and become a conflict.
 *
 * @param dataJson the data's canonical text, where the caller has it already
 */
export function dataDigest(data: JsonObject, dataJson: string = canonicalJson(data)): Buffer {
  const camelCase = camelCaseNames(data);
  return hash("sha256", camelCase === data ? dataJson : canonicalJson(camelCase), "buffer");
}

/** What the inbox keeps of a webhook, as it is stored. */
export interface KeptDelivery {
  readonly deliveryId: string;
  readonly body: Uint8Array;
  /** The kept headers' JSON text. */
  readonly headersJson: string;
  readonly verifiedBy: string;
  readonly secretFingerprint: string;
}

/**
 * Returns SHA-256 of what the inbox keeps of a delivery, without the time of receipt: Postgres sets that when it stores
 * the delivery, and the digest is made before. An entry of the log contains the digest, so the chain covers the inbox.
 */
export function deliveryDigest({
  deliveryId,
  body,
  headersJson,
  verifiedBy,
  secretFingerprint,
}: KeptDelivery): Buffer {
  // The array's text ends with its bracket, so no byte can move between it and the body without a new digest.
  const head = JSON.stringify([deliveryId, headersJson, verifiedBy, secretFingerprint]);
  return createHash("sha256").update(head).update(body).digest();
}
