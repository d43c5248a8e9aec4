import { hash } from "node:crypto";
import { canonicalJson, type JsonObject } from "./json.ts";
import { camelCaseNames } from "./upcast.ts";

/**
 * SHA-256 of what an event says: equal for equal data, whatever the order of its names or the release that wrote
 * them. Digests are stored and compared for ever, so only this one step of `upcast` goes before it: a later step
 * must not make an honest redelivery look like a conflict.
 *
 * @param dataJson the data's canonical text, where the caller has it already
 */
export function dataDigest(data: JsonObject, dataJson: string = canonicalJson(data)): Buffer {
  const named = camelCaseNames(data);
  return hash("sha256", named === data ? dataJson : canonicalJson(named), "buffer");
}
