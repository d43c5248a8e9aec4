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
 * Returns after how many milliseconds a consumer that had nothing to do at a fault gets the next job, from when the servers
 * could take it. Prints the time.
 */
export async function timeNextJob(
  context: TestContext,
  redisUrl: string,
  fault: () => Promise<unknown>,
): Promise<number> {
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
  expect(onGivenUp).not.toHaveBeenCalled();
  await waitUntilReady(consumer);
  return waitedMs;
}
