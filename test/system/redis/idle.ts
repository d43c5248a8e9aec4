/** An idle consumer, with the limits that workers have, on a Redis that has a fault. */
import { randomUUID } from "node:crypto";
import {
  COMPLETED,
  createHarness,
  enqueueEventually,
  manualHandler,
  redisLocation,
  waitUntilReady,
} from "@dossier/queue/harness";
import { expect, vi, type TestContext } from "vitest";

/** Of the queue's keys. */
export const PREFIX = "{dossier:test}";

/**
 * Expects that, after the fault, a consumer that has nothing to do gets a job within this time, from when the servers can
 * take it. Prints the time.
 */
export async function expectJobWithin(
  context: TestContext,
  redisUrl: string,
  longestMs: number,
  fault: () => Promise<unknown>,
): Promise<void> {
  const { open, consume } = createHarness(context, redisLocation(redisUrl));
  const jobs = manualHandler();
  const onGivenUp = vi.fn<() => void>();
  const consumer = consume(jobs.handle, { onGivenUp });
  await waitUntilReady(consumer);
  const queue = open({ timeoutMs: 1_000 });
  await enqueueEventually(queue, [randomUUID()]);
  (await jobs.next()).end(COMPLETED);

  await fault();

  const deliveryIds = [randomUUID()];
  await enqueueEventually(queue, deliveryIds);
  const enqueuedAt = performance.now();
  const job = await jobs.next();
  const waitedMs = performance.now() - enqueuedAt;
  process.stderr.write(`${context.task.name}: after ${Math.round(waitedMs)} ms\n`);
  job.end(COMPLETED);
  expect(job.deliveryIds).toEqual(deliveryIds);
  expect(waitedMs).toBeLessThan(longestMs);
  expect(onGivenUp).not.toHaveBeenCalled();
  await waitUntilReady(consumer);
}
