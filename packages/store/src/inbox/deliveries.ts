import { deliveryDigest } from "@dossier/events";
import type { Pool } from "../database/pool.ts";
import { statement } from "../database/statements.ts";

/** What is kept of a webhook, before anyone has understood it. */
export interface Delivery {
  /** A UUIDv7, so that neighbours in time are neighbours in the index. */
  readonly deliveryId: string;
  /** The exact bytes; a secret found in them is overwritten already. */
  readonly body: Buffer;
  /** The headers that matter as evidence. */
  readonly headers: Readonly<Record<string, string>>;
  readonly verifiedBy: "signature" | "payload-secret";
  /** Which secret verified it; see `fingerprint` in ingest. */
  readonly secretFingerprint: string;
}

const insertDeliveries = statement("insert_deliveries");

/**
 * Seconds after which a recorded delivery that nothing has settled is enqueued again. Sooner would repeat jobs that
 * are merely waiting; later would delay deliveries whose job was lost.
 */
export const SWEEP_AFTER_SECONDS = 30;

/** Records deliveries, all or none, in one statement and one commit. When it resolves, they survive a crash. */
export async function recordDeliveries(pool: Pool, deliveries: readonly Delivery[]): Promise<void> {
  const kept = deliveries.map(({ headers, ...others }) => ({
    ...others,
    headersJson: JSON.stringify(headers),
  }));
  await pool.query({
    ...insertDeliveries,
    values: [
      kept.map(({ deliveryId }) => deliveryId),
      kept.map(({ body }) => body),
      kept.map(({ headersJson }) => headersJson),
      kept.map(({ verifiedBy }) => verifiedBy),
      kept.map(({ secretFingerprint }) => secretFingerprint),
      kept.map(deliveryDigest),
      SWEEP_AFTER_SECONDS,
    ],
  });
}
