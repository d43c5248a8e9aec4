import { createHmac, timingSafeEqual } from "node:crypto";

/** Returns whether a webhook is signed, as `sha256=` and hexadecimal pairs with hyphens. */
export function isSigned(body: Buffer, signature: string | undefined, secret: string): boolean {
  const claimed = Buffer.from((signature ?? "").replace("sha256=", "").replaceAll("-", ""), "hex");
  const digest = createHmac("sha256", secret).update(body).digest();
  return claimed.length === digest.length && timingSafeEqual(claimed, digest);
}
