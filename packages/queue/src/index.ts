export type { QueueLocation, RedisLocation } from "./connection.ts";
export { consume, type Consumer, type ConsumerOptions, type JobInput, type JobResult } from "./consumer.ts";
export { migrateQueue } from "./migrate-queue.ts";
export {
  openQueue,
  type BullmqQueue,
  type DeliveryQueue,
  type FailedJob,
  type JobCounts,
  type QueueOptions,
} from "./queue.ts";
