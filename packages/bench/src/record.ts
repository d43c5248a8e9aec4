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

/** Records bodies, so many in each commit. Yields the ids of each commit. */
export async function* recordBodies(
  pool: Pool,
  bodies: Iterable<Buffer>,
  commit: number,
): AsyncGenerator<readonly string[]> {
  for (const group of inGroups(bodies, commit)) {
    const deliveries = group.map(toDelivery);
    await recordDeliveries(pool, deliveries);
    yield deliveries.map(({ deliveryId }) => deliveryId);
  }
}

/** Yields items in groups of so many; the last one may have fewer. */
export function* inGroups<T>(items: Iterable<T>, size: number): Generator<readonly T[]> {
  let group: T[] = [];
  for (const item of items) {
    if (group.push(item) < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
