import { randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";

/** Everything that a job holds: the ids of deliveries recorded in Postgres, and no personal data. */
export interface JobData {
  readonly deliveryIds: readonly string[];
}

export const QUEUE_NAME = "deliveries";

/** In braces, so that Redis Cluster keeps all keys of the queue in one slot, as BullMQ's scripts need. */
export const KEY_PREFIX = "{dossier}";

/** Completed jobs are kept for a look at what just happened; the record is in Postgres. */
const KEEP_COMPLETED = { count: 1_000, age: 60 * 60 };

export interface NewJob {
  readonly name: "batch" | "single";
  readonly data: JobData;
  readonly opts: JobsOptions;
}

/** A job for what one group commit recorded. */
export function batchJob(deliveryIds: readonly string[], maxAttempts: number): NewJob {
  // An id of our own, new each time: BullMQ's Postgres backend makes its ids with a sequence that it
  // creates when first used, which a role with no right to create anything cannot do.
  return job("batch", deliveryIds, { jobId: `batch-${randomUUID()}` }, maxAttempts);
}

/** A job for one delivery; there is at most one such job at a time. */
export function singleJob(deliveryId: string, delayMs: number, maxAttempts: number): NewJob {
  return job("single", [deliveryId], { jobId: singleJobId(deliveryId), delay: delayMs }, maxAttempts);
}

/** The id of the job that a delivery has for itself. */
export function singleJobId(deliveryId: string): string {
  return `delivery-${deliveryId}`;
}

/** The ids that a stored job names, or undefined where it holds something else. */
export function deliveryIdsOf(data: unknown): readonly string[] | undefined {
  if (typeof data !== "object" || data === null || !("deliveryIds" in data)) return undefined;
  const { deliveryIds } = data;
  const valid = Array.isArray(deliveryIds) && deliveryIds.every((id) => typeof id === "string");
  return valid ? deliveryIds : undefined;
}

function job(
  name: NewJob["name"],
  deliveryIds: readonly string[],
  own: JobsOptions,
  maxAttempts: number,
): NewJob {
  return {
    name,
    data: { deliveryIds },
    opts: {
      ...own,
      attempts: maxAttempts,
      backoff: { type: "full-jitter" },
      removeOnComplete: KEEP_COMPLETED,
      removeOnFail: false,
      // A stack can quote what was processed.
      stackTraceLimit: 0,
    },
  };
}
