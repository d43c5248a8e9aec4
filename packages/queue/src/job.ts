import { randomUUID } from "node:crypto";
import type { JobsOptions } from "bullmq";

/** All that a job holds: ids of deliveries that are recorded in Postgres. No personal data. */
export interface JobData {
  readonly deliveryIds: readonly string[];
}

export const QUEUE_NAME = "deliveries";

/**
 * Returns the beginning of the names of an installation's keys. In braces, so that Redis Cluster keeps all of them in one
 * slot, as BullMQ's scripts need.
 */
export function keyPrefix(installationId: string): string {
  return `{dossier:${installationId}}`;
}

/** Above every number of attempts or stalls: BullMQ's own limits would fail a job without asking the job handler. */
export const UNLIMITED = 2 ** 31 - 1;

/** Completed jobs show what happened lately. The record is in Postgres. */
const KEEP_COMPLETED = { count: 1_000, age: 60 * 60 };

/** How many jobs that have ended the queue keeps at most, and for how many seconds. The next one that ends removes others. */
export interface Kept {
  readonly count: number;
  readonly age: number;
}

/**
 * Failed jobs show the latest dead letters. All of them are in Postgres. BullMQ's Postgres backend reads all that are kept
 * whenever a job fails: 10,000 of them would cost 20 ms each time.
 */
export const KEEP_FAILED: Kept = { count: 1_000, age: 30 * 24 * 60 * 60 };

export interface NewJob {
  readonly name: "batch" | "single";
  readonly data: JobData;
  readonly opts: JobsOptions;
}

/** Returns a job for deliveries that were recorded in one commit. */
export function batchJob(deliveryIds: readonly string[], keepFailed: Kept): NewJob {
  // With an id, because BullMQ's Postgres backend makes ids with a sequence that it creates on first use, which the
  // services have no right to do.
  return newJob("batch", deliveryIds, { jobId: `batch-${randomUUID()}`, removeOnFail: keepFailed });
}

/** Returns a job for one delivery. The queue holds at most one such job of a delivery. */
export function singleJob(deliveryId: string, delayMs: number, keepFailed: Kept): NewJob {
  return newJob("single", [deliveryId], {
    jobId: singleJobId(deliveryId),
    delay: delayMs,
    removeOnFail: keepFailed,
  });
}

export function singleJobId(deliveryId: string): string {
  return `delivery-${deliveryId}`;
}

/** Returns the ids that a stored job holds, or `undefined` if it holds something else. */
export function parseJobData(data: unknown): readonly string[] | undefined {
  if (typeof data !== "object" || data === null || !("deliveryIds" in data)) return undefined;
  const { deliveryIds } = data;
  const valid = Array.isArray(deliveryIds) && deliveryIds.every((id) => typeof id === "string");
  return valid ? deliveryIds : undefined;
}

function newJob(name: NewJob["name"], deliveryIds: readonly string[], opts: JobsOptions): NewJob {
  return {
    name,
    data: { deliveryIds },
    opts: {
      ...opts,
      attempts: UNLIMITED,
      // Each retry carries its own delay: see the consumer's `backoffStrategy`.
      backoff: { type: "custom" },
      removeOnComplete: KEEP_COMPLETED,
      // A stack may quote personal data.
      stackTraceLimit: 0,
    },
  };
}
