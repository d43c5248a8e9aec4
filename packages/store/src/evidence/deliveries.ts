import { deliveryDigest, type KeptDelivery, type Ticks } from "@dossier/events";
import { inBatches } from "../database/cursor.ts";
import type { Connection } from "../database/pool.ts";
import { statement } from "../database/statements.ts";
import type { Report } from "./findings.ts";

/** A delivery as it is kept. */
export interface EvidencedDelivery extends KeptDelivery {
  /** Made when it was recorded. */
  readonly digest: Buffer;
  readonly receivedTicks: Ticks;
}

export interface DeliveryRow {
  readonly delivery_id: string;
  readonly body: Buffer;
  readonly headers: string;
  readonly verified_by: "signature" | "payload-secret";
  readonly secret_fingerprint: string;
  readonly digest: Buffer;
  readonly delivery_received_ticks: Ticks;
}

export function ofRow(row: DeliveryRow): EvidencedDelivery {
  return {
    deliveryId: row.delivery_id,
    body: row.body,
    headersJson: row.headers,
    verifiedBy: row.verified_by,
    secretFingerprint: row.secret_fingerprint,
    digest: row.digest,
    receivedTicks: row.delivery_received_ticks,
  };
}

/** A delivery may be a megabyte long: so many are in memory at the most. */
export const DELIVERIES_AT_ONCE = 100;

const selectUnlogged = statement("select_unlogged_deliveries");

/**
 * Checks the deliveries that no entry of the log was made from: the open, the dead and the discarded; of one person,
 * those that have died, as who others tell of is not known.
 */
export async function checkUnlogged(
  connection: Connection,
  entityId: string | undefined,
  report: Report,
): Promise<void> {
  const query = { ...selectUnlogged, values: [entityId ?? null] };
  for await (const rows of inBatches<DeliveryRow>(connection, query, DELIVERIES_AT_ONCE))
    for (const row of rows) checkKept(ofRow(row), report);
}

/** Checks that a delivery is as it was recorded. */
export function checkKept(delivery: EvidencedDelivery, report: Report): void {
  const { deliveryId, digest } = delivery;
  const found = deliveryDigest(delivery);
  if (found.equals(digest)) return;
  report("delivery-digest", {
    table: "deliveries",
    deliveryId,
    expected: digest.toString("hex"),
    found: found.toString("hex"),
  });
}
