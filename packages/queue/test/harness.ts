import { freshDatabase, freshRedis } from "@dossier/testing";
import type { JobState } from "bullmq";
import type { TestContext } from "vitest";
import {
  consume,
  migrateQueue,
  openQueue,
  type Consumer,
  type ConsumerOptions,
  type DeliveryQueue,
  type QueueLocation,
  type QueueOptions,
  type JobResult,
  type JobInput,
} from "../src/index.ts";

/** An empty queue on each of the two backends. */
export const BACKENDS: Record<"redis" | "postgres", (context: TestContext) => Promise<QueueLocation>> = {
  redis: async (context) => ({ redisUrl: await freshRedis(context) }),
  async postgres(context) {
    const database = await freshDatabase({ name: "queue", make: migrateQueue });
    context.onTestFinished(() => database.drop());
    return { databaseUrl: database.url };
  },
};

/** Opens parts of the queue for one test, and closes them, last first, when it ends. */
export function opener(context: TestContext, location: QueueLocation) {
  const errors: Error[] = [];
  const onError = (error: Error) => void errors.push(error);

  return {
    /** What was reported to `onError` by all parts. */
    errors,
    queue(options: Partial<QueueOptions> = {}) {
      const queue = openQueue(location, { name: "test-producer", onError, timeoutMs: 10_000, ...options });
      context.onTestFinished(() => queue.close());
      return queue;
    },
    consumer(
      process: (work: JobInput) => Promise<JobResult>,
      options: Partial<ConsumerOptions> = {},
    ): Consumer {
      const consumer = consume(location, process, {
        name: "test-consumer",
        concurrency: 4,
        backoff: { baseMs: 1, capMs: 1 },
        handleStalled: () => Promise.reject(new Error("nothing should be given up here")),
        onError,
        ...options,
      });
      context.onTestFinished(async () => void (await consumer.close(5_000)));
      return consumer;
    },
  };
}

/** A processor that hands each job to the test, which answers it with a verdict. */
export function handedOver() {
  const waiting: Array<(job: Handed) => void> = [];
  const arrived: Handed[] = [];
  return {
    process(work: JobInput): Promise<JobResult> {
      const { promise, resolve } = Promise.withResolvers<JobResult>();
      const handed = { ...work, answer: resolve };
      const next = waiting.shift();
      if (next) next(handed);
      else arrived.push(handed);
      return promise;
    },
    /** The next job; resolves when there is one. */
    next(): Promise<Handed> {
      const handed = arrived.shift();
      if (handed) return Promise.resolve(handed);
      const { promise, resolve } = Promise.withResolvers<Handed>();
      waiting.push(resolve);
      return promise;
    },
  };
}

export interface Handed extends JobInput {
  answer(verdict: JobResult): void;
}

/** Tries until `attempt` resolves to something other than false; for what gives no signal of its own. */
export async function eventually<T>(attempt: () => Promise<T | false>): Promise<T> {
  for (;;) {
    const result = await attempt().catch(() => false as const);
    if (result !== false) return result;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves once the delivery's own job has come to this state. */
export async function reached(queue: DeliveryQueue, state: JobState, deliveryId: string): Promise<void> {
  await eventually(async () => (await queue.bullmq.getJobState(`delivery-${deliveryId}`)) === state);
}

export const done: JobResult = { kind: "completed" };
