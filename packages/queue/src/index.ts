export { DEFAULT_BACKOFF, retryDelay, retrySchedule, type Backoff, type RetryStep } from "./backoff.ts";
export type { ConsumerOptions, JobInput } from "./consumer-options.ts";
export { consume, type Consumer } from "./consumer.ts";
export type { QueueLocation } from "./location.ts";
export { migrateQueue } from "./migrate.ts";
export { openQueue, type DeliveryQueue, type JobCounts, type QueueOptions } from "./queue.ts";
export type { Readiness } from "./readiness.ts";
export type { JobResult } from "./verdict.ts";
