import { deliveryDigest } from "@dossier/events";
import { byteaArray } from "../database/arrays.ts";
import type { Pool } from "../database/pool.ts";
import { sqlFile } from "../database/statements.ts";

/** What is kept of a webhook, before it is parsed. */
export interface Delivery {
  /** A UUIDv7, so that deliveries of one time are neighbours in the index. */
  readonly deliveryId: string;
  /** The exact bytes; a secret in them is overwritten already. */
  readonly body: Buffer;
  /** The headers that matter as evidence. */
  readonly headers: Readonly<Record<string, string>>;
  readonly verifiedBy: "signature" | "payload-secret";
  /** Which secret verified it; see `fingerprint` in ingest. */
  readonly secretFingerprint: string;
  /** The W3C trace context of its request, if that is traced. */
  readonly traceparent?: string | undefined;
}

/**
 * Seconds after which the sweeper enqueues an open delivery again. Sooner would repeat jobs that are only waiting;
 * later would delay deliveries whose job was lost.
 */
export const SWEEP_AFTER_SECONDS = 30;

const DELIVERY_ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Whether a job's text can be a delivery's id. At anything that is no UUID, Postgres throws. */
export function isDeliveryId(text: string): boolean {
  return DELIVERY_ID.test(text);
}

const insertDeliveries = sqlFile("insert_deliveries");

/** Records deliveries, all or none, in one statement and one commit. When it resolves, they survive a crash. */
export async function recordDeliveries(pool: Pool, deliveries: readonly Delivery[]): Promise<void> {
  const kept = deliveries.map(({ headers, traceparent, ...others }) => ({
    ...others,
    headersJson: JSON.stringify(headers),
  }));
  await pool.query({
    ...insertDeliveries,
    values: [
      kept.map(({ deliveryId }) => deliveryId),
      byteaArray(kept.map(({ body }) => body)),
      kept.map(({ headersJson }) => headersJson),
      kept.map(({ verifiedBy }) => verifiedBy),
      kept.map(({ secretFingerprint }) => secretFingerprint),
      byteaArray(kept.map(deliveryDigest)),
      SWEEP_AFTER_SECONDS,
      // A shorter array is filled up with nulls.
      deliveries.some(({ traceparent }) => traceparent !== undefined)
        ? deliveries.map(({ traceparent }) => traceparent)
        : [],
    ],
  });
}
