import { isRetryable } from "@dossier/store";
import { freshDatabase, freshRedis, waitFor } from "@dossier/testing";
import type { JobState } from "bullmq";
import { expect, type TestContext } from "vitest";
import {
  consume,
  migrateQueue,
  openQueue,
  type Consumer,
  type ConsumerOptions,
  type DeliveryQueue,
  type JobCounts,
  type JobInput,
  type JobResult,
  type QueueLocation,
  type QueueOptions,
  type RedisLocation,
} from "../src/index.ts";

/** Returns the location of an installation's queue. */
export function redisLocation(redisUrl: string, installation = "test"): RedisLocation {
  return { redisUrl, installationId: async () => installation };
}

/** By backend: returns the location of an empty queue. */
export const BACKENDS: Record<"redis" | "postgres", (context: TestContext) => Promise<QueueLocation>> = {
  redis: async (context) => redisLocation(await freshRedis(context)),
  async postgres(context) {
    const database = await freshDatabase({ name: "queue", make: migrateQueue });
    context.onTestFinished(() => database.drop());
    return { databaseUrl: database.url };
  },
};

/** Opens queues and consumers at one location, and closes them, the last one first, when the test ends. */
export function createHarness(context: TestContext, location: QueueLocation) {
  const errors: Error[] = [];
  const handlerErrors: unknown[] = [];
  const onError = (error: Error) => void errors.push(error);

  return {
    /** What all of them reported to `onError`. */
    errors,
    /** What their handlers rejected with. */
    handlerErrors,
    open(options: Partial<QueueOptions> = {}): DeliveryQueue {
      const queue = openQueue(location, { name: "test-producer", onError, timeoutMs: 10_000, ...options });
      context.onTestFinished(() => queue.close());
      return queue;
    },
    consume(handle: (job: JobInput) => Promise<JobResult>, options: Partial<ConsumerOptions> = {}): Consumer {
      const consumer = consume(location, handle, {
        name: "test-consumer",
        concurrency: 4,
        isRetryable,
        onError,
        onHandlerError: (error) => handlerErrors.push(error),
        ...options,
      });
      context.onTestFinished(async () => void (await consumer.close(5_000)));
      return consumer;
    },
  };
}

/** A job that is being processed until the test ends it. */
export interface ManualJob extends JobInput {
  end(result: JobResult): void;
}

/** Returns a job handler that hands each job to the test. `next` returns the jobs in their order. */
export function manualHandler() {
  const arrived: ManualJob[] = [];
  const waiting: Array<(job: ManualJob) => void> = [];
  return {
    handle(input: JobInput): Promise<JobResult> {
      const { promise, resolve } = Promise.withResolvers<JobResult>();
      const job = { ...input, end: resolve };
      const next = waiting.shift();
      if (next) next(job);
      else arrived.push(job);
      return promise;
    },
    next(): Promise<ManualJob> {
      const job = arrived.shift();
      if (job) return Promise.resolve(job);
      const { promise, resolve } = Promise.withResolvers<ManualJob>();
      waiting.push(resolve);
      return promise;
    },
  };
}

/** Waits until the delivery's own job has this state. */
export async function waitForState(queue: DeliveryQueue, deliveryId: string, state: JobState): Promise<void> {
  await waitFor(
    async () => (await queue.bullmq()).getJobState(`delivery-${deliveryId}`),
    (seen) => expect(seen).toBe(state),
  );
}

/** Waits until the queue has these numbers of jobs. */
export async function waitForCounts(queue: DeliveryQueue, expected: Partial<JobCounts>): Promise<void> {
  await waitFor(
    () => queue.counts(),
    (counts) => expect(counts).toMatchObject(expected),
  );
}

/** Enqueues deliveries as soon as the queue is available. */
export async function enqueueEventually(queue: DeliveryQueue, deliveryIds: readonly string[]): Promise<void> {
  await waitFor(() => queue.enqueue(deliveryIds).then(() => true));
}

/** Waits until the consumer can take jobs. */
export async function waitUntilReady(consumer: Consumer): Promise<void> {
  await waitFor(() => consumer.checkReady().then(() => true));
}

export const COMPLETED: JobResult = { kind: "completed" };
