import { randomBytes } from "node:crypto";
import { recordDeliveries, type Delivery, type Pool } from "@dossier/store";
import { v7 } from "uuid";

/** Returns a body as ingest would record it. */
export function toDelivery(body: Buffer): Delivery {
  return {
    deliveryId: v7(),
    body,
    headers: {
      "content-type": "application/json; charset=utf-8",
      "abp-webhook-signature": randomBytes(32).toString("hex"),
    },
    verifiedBy: "signature",
    secretFingerprint: "sha256:0123456789abcdef",
  };
}

/** Records bodies, so many in each commit. Returns the ids, of each commit. */
export async function recordBodies(
  pool: Pool,
  bodies: readonly Buffer[],
  commit: number,
): Promise<readonly (readonly string[])[]> {
  const recorded: (readonly string[])[] = [];
  for (let start = 0; start < bodies.length; start += commit) {
    const deliveries = bodies.slice(start, start + commit).map(toDelivery);
    await recordDeliveries(pool, deliveries);
    recorded.push(deliveries.map(({ deliveryId }) => deliveryId));
  }
  return recorded;
}
