import { createHmac } from "node:crypto";

/**
 * The value of iComply's `abp-webhook-signature` header for a body: `sha256=` and the
 * HMAC-SHA256 of the exact bytes as upper-case hex pairs joined by hyphens. The key is the
 * UTF-8 bytes of the whole secret, its `whs_` included.
 */
export function sign(body: string | Uint8Array, secret: string): string {
  const digest = createHmac("sha256", secret).update(body).digest("hex").toUpperCase();
  return `sha256=${digest.replace(/..(?=.)/g, "$&-")}`;
}
