/** What the queue does wherever it is: one suite for every kind of server. */
import { randomUUID } from "node:crypto";
import { waitFor } from "@dossier/testing";
import { describe, expect, test, vi, type TestContext } from "vitest";
import type { QueueLocation } from "../src/index.ts";
import {
  COMPLETED,
  createHarness,
  manualHandler,
  waitForCounts,
  waitForState,
  waitUntilReady,
} from "./harness.ts";

const QUICK_RECOVERY = { lockDurationMs: 2_000, stalledIntervalMs: 500 };

/** Declares the tests, by the name of a kind of server, which contains that of the queue's backend. */
export function describeQueue(
  locations: Readonly<Record<string, (context: TestContext) => Promise<QueueLocation>>>,
): void {
  describe.each(Object.entries(locations))("on %s", (name, locate) => {
    test("a job holds the ids of the deliveries and nothing else", async (context) => {
      const queue = createHarness(context, await locate(context)).open();
      const deliveryIds = [randomUUID(), randomUUID()];

      await queue.enqueue(deliveryIds);

      const [job] = await (await queue.bullmq()).getJobs(["waiting"]);
      expect(job?.data).toEqual({ deliveryIds });
      expect(name).toContain(queue.backend);
    });

    test("deliveries enqueued twice are processed twice: Postgres decides what is new", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      const deliveryIds = [randomUUID()];

      await queue.enqueue(deliveryIds);
      await queue.enqueue(deliveryIds);

      expect(await queue.counts()).toMatchObject({ waiting: 2 });
      consume(jobs.handle);
      for (const job of [await jobs.next(), await jobs.next()]) {
        expect(job).toMatchObject({ deliveryIds, single: false });
        job.end(COMPLETED);
      }
      await waitForCounts(queue, { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 2 });
    });

    test("no deliveries make no job", async (context) => {
      const queue = createHarness(context, await locate(context)).open();

      await queue.enqueue([]);

      expect(await queue.counts()).toMatchObject({ waiting: 0 });
    });

    test("a delivery has one job of its own at a time, however often it is enqueued", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      const deliveryId = randomUUID();

      await queue.enqueueSingle(deliveryId, { delayMs: 3_600_000 });
      await queue.enqueueSingle(deliveryId);
      expect(await queue.counts()).toMatchObject({ delayed: 1, waiting: 0 });

      await queue.replaceSingles([deliveryId]);
      await queue.enqueueSingle(deliveryId);
      expect(await queue.counts()).toMatchObject({ delayed: 0, waiting: 1 });

      consume(jobs.handle);
      const job = await jobs.next();
      expect(job).toMatchObject({ deliveryIds: [deliveryId], single: true });
      await queue.enqueueSingle(deliveryId);
      await queue.replaceSingles([deliveryId]);
      expect(await queue.counts()).toMatchObject({ waiting: 0, active: 1 });
      job.end(COMPLETED);
    });

    test("a delivery's job that has ended is replaced by the next", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      const [completes, fails] = [randomUUID(), randomUUID()];
      consume(jobs.handle);

      await queue.enqueueSingle(completes);
      (await jobs.next()).end(COMPLETED);
      await waitForState(queue, completes, "completed");
      await queue.enqueueSingle(fails);
      (await jobs.next()).end({ kind: "failed", error: "no such person" });
      await waitForState(queue, fails, "failed");

      for (const deliveryId of [completes, fails]) {
        await queue.enqueueSingle(deliveryId);
        const job = await jobs.next();
        expect(job.deliveryIds).toEqual([deliveryId]);
        job.end(COMPLETED);
      }
    });

    test("a job with a delay runs after it", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      consume(jobs.handle);
      const before = Date.now();

      await queue.enqueueSingle(randomUUID(), { delayMs: 150 });

      const job = await jobs.next();
      expect(Date.now() - before).toBeGreaterThanOrEqual(150);
      job.end(COMPLETED);
    });

    test("a job is retried as often as its handler says", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      consume(jobs.handle);
      const deliveryIds = [randomUUID(), randomUUID()];
      await queue.enqueue(deliveryIds);

      for (let attempt = 1; attempt < 15; attempt += 1) {
        const job = await jobs.next();
        expect(job.deliveryIds).toEqual(deliveryIds);
        job.end({ kind: "retry", error: "not yet", delayMs: attempt % 3 });
      }
      (await jobs.next()).end(COMPLETED);

      await waitForCounts(queue, { completed: 1, failed: 0, delayed: 0 });
      expect(await (await queue.bullmq()).getCompleted()).toMatchObject([{ attemptsMade: 15 }]);
    });

    test("a retry waits as long as the handler says", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      consume(jobs.handle);
      const deliveryId = randomUUID();

      await queue.enqueueSingle(deliveryId);
      (await jobs.next()).end({ kind: "retry", error: "not yet", delayMs: 3_600_000 });
      await waitForState(queue, deliveryId, "delayed");

      expect((await (await queue.bullmq()).getJob(`delivery-${deliveryId}`))?.delay).toBe(3_600_000);
    });

    test("a job fails at once if its handler says so, and keeps its error without a stack", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      consume(async () => ({ kind: "failed", error: "unparsable" }));
      const deliveryId = randomUUID();

      await queue.enqueueSingle(deliveryId);
      await waitForState(queue, deliveryId, "failed");

      const [job] = await (await queue.bullmq()).getFailed();
      expect(job).toMatchObject({ failedReason: "unparsable", attemptsMade: 1, stacktrace: [] });
    });

    test("if the handler rejects, the job is retried, and the error reported but not stored", async (context) => {
      const { open, consume, handlerErrors } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      const deliveryId = randomUUID();
      let rejected = false;
      consume(async (input) => {
        if (rejected) return jobs.handle(input);
        rejected = true;
        throw new Error(`cannot read John Appleseed of ${deliveryId}`);
      });

      await queue.enqueueSingle(deliveryId);
      const retried = await jobs.next();
      const job = await (await queue.bullmq()).getJob(`delivery-${deliveryId}`);
      retried.end(COMPLETED);

      expect(job?.failedReason).toContain("rejected");
      expect(JSON.stringify(job?.asJSON())).not.toContain("Appleseed");
      expect(handlerErrors).toEqual([new Error(`cannot read John Appleseed of ${deliveryId}`)]);
    });

    test("a job that names no deliveries fails without being processed", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      consume(jobs.handle);

      await (await queue.bullmq()).add("batch", { deliveryIds: "none" as never }, { jobId: randomUUID() });

      await waitForCounts(queue, { failed: 1 });
      expect(await (await queue.bullmq()).getFailed()).toMatchObject([
        { failedReason: "the job names no deliveries" },
      ]);
    });

    test("redriven, failed deliveries start over, and those without a job get one", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      consume(jobs.handle, { concurrency: 1 });
      const [failed, unknown] = [randomUUID(), randomUUID()];
      await queue.enqueueSingle(failed);
      (await jobs.next()).end({ kind: "retry", error: "not yet", delayMs: 0 });
      (await jobs.next()).end({ kind: "failed", error: "never" });
      await waitForState(queue, failed, "failed");

      await queue.replaceSingles([failed, unknown]);

      const first = await jobs.next();
      first.end(COMPLETED);
      const second = await jobs.next();
      second.end(COMPLETED);
      expect([first, second].flatMap(({ deliveryIds }) => deliveryIds).toSorted()).toEqual(
        [failed, unknown].toSorted(),
      );
      await waitForCounts(queue, { completed: 2, failed: 0 });
      expect(await (await queue.bullmq()).getCompleted()).toMatchObject([
        { attemptsMade: 1 },
        { attemptsMade: 1 },
      ]);
    });

    test("a thousand deliveries are redriven and removed, none left out", async (context) => {
      const queue = createHarness(context, await locate(context)).open();
      const deliveryIds = Array.from({ length: 1_001 }, () => randomUUID());

      await queue.replaceSingles(deliveryIds);
      expect(await queue.counts()).toMatchObject({ waiting: 1_001 });
      await queue.remove(deliveryIds.slice(0, 1_000));
      expect(await queue.counts()).toMatchObject({ waiting: 1 });
    });

    test("the failed job of a removed delivery is gone", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      consume(async () => ({ kind: "failed", error: "never" }));
      const deliveryId = randomUUID();
      await queue.enqueueSingle(deliveryId);
      await waitForState(queue, deliveryId, "failed");

      await queue.remove([deliveryId, randomUUID()]);

      expect(await queue.counts()).toMatchObject({ failed: 0 });
    });

    test("the jobs that failed last are kept, and no more than that", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open({ keepFailed: { count: 2, age: 3_600 } });
      consume(async () => ({ kind: "failed", error: "never" }), { concurrency: 1 });
      const deliveryIds = Array.from({ length: 4 }, () => randomUUID());

      for (const deliveryId of deliveryIds) {
        await queue.enqueueSingle(deliveryId);
        await waitForState(queue, deliveryId, "failed");
      }

      const kept = await queue.failedJobs(10);
      expect(kept.flatMap((job) => job.deliveryIds)).toEqual(deliveryIds.slice(2).toReversed());
      expect(await (await queue.bullmq()).getJob(`delivery-${deliveryIds[0]}`)).toBe(undefined);
    });

    test("a job that failed a month ago is removed when another one fails", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      consume(jobs.handle);
      const [old, last] = [randomUUID(), randomUUID()];
      await queue.enqueueSingle(old);
      const job = await jobs.next();
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 31 * 24 * 3_600_000 });
      context.onTestFinished(() => void vi.useRealTimers());
      job.end({ kind: "failed", error: "never" });
      await waitForState(queue, old, "failed");
      vi.useRealTimers();
      expect(await queue.failedJobs(10)).toMatchObject([{ deliveryIds: [old] }]);

      await queue.enqueueSingle(last);
      (await jobs.next()).end({ kind: "failed", error: "never" });
      await waitForState(queue, last, "failed");

      expect(await queue.failedJobs(10)).toMatchObject([{ deliveryIds: [last] }]);
    });

    test("another consumer takes over the job of one that crashed, which uses no attempt", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const [crashed, running] = [manualHandler(), manualHandler()];
      const deliveryIds = [randomUUID(), randomUUID()];
      const first = consume(crashed.handle, QUICK_RECOVERY);
      await queue.enqueue(deliveryIds);
      const lost = await crashed.next();

      expect(await first.close(1)).toBe(false);
      consume(running.handle, QUICK_RECOVERY);

      const recovered = await running.next();
      expect(recovered).toMatchObject({ deliveryIds, single: false, stalled: true });
      lost.end({ kind: "failed", error: "the result of a crashed consumer" });
      recovered.end(COMPLETED);
      await waitForCounts(queue, { completed: 1, failed: 0, active: 0 });
      expect(await (await queue.bullmq()).getCompleted()).toMatchObject([{ attemptsMade: 1 }]);
    });

    test("what keeps all consumers from taking jobs is removed, and named", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const bullmq = await queue.bullmq();
      await bullmq.pause();
      await bullmq.setGlobalConcurrency(0);
      await bullmq.setGlobalRateLimit(1, 3_600_000);
      await bullmq.rateLimit(3_600_000);
      const deliveryIds = [randomUUID(), randomUUID()];
      for (const deliveryId of deliveryIds) await queue.enqueue([deliveryId]);

      expect(await queue.removeLimits()).toEqual(["paused", "concurrency", "rate-limit"]);

      const jobs = manualHandler();
      const consumer = consume(jobs.handle);
      const taken = [await jobs.next(), await jobs.next()];
      expect(taken.flatMap((job) => job.deliveryIds).toSorted()).toEqual(deliveryIds.toSorted());
      expect(consumer.idleForMs).toBe(0);
      for (const job of taken) job.end(COMPLETED);
      expect(await queue.removeLimits()).toEqual([]);
    });

    test("a consumer that closes waits for the job in flight and takes no other", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const jobs = manualHandler();
      const consumer = consume(jobs.handle, { concurrency: 1 });
      await queue.enqueue([randomUUID()]);
      const inFlight = await jobs.next();
      await queue.enqueue([randomUUID()]);

      const closed = consumer.close(30_000);
      await expect(consumer.checkReady()).rejects.toThrow("the consumer is closing");
      expect(await queue.counts()).toMatchObject({ waiting: 1, active: 1 });
      inFlight.end(COMPLETED);

      expect(await closed).toBe(true);
      expect(await queue.counts()).toMatchObject({ completed: 1, waiting: 1, active: 0 });
    });

    test("consumers share the jobs, and each job goes to one of them", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      const seen: string[][] = [[], [], []];
      const allHaveOne = Promise.withResolvers<void>();
      for (const mine of seen)
        consume(
          async ({ deliveryIds }) => {
            mine.push(...deliveryIds);
            if (seen.every((ids) => ids.length > 0)) allHaveOne.resolve();
            await allHaveOne.promise;
            return COMPLETED;
          },
          { concurrency: 1 },
        );
      const deliveryIds = Array.from({ length: 60 }, () => randomUUID());

      await Promise.all(deliveryIds.map((deliveryId) => queue.enqueue([deliveryId])));
      await waitForCounts(queue, { completed: 60 });

      expect(seen.flat().toSorted()).toEqual(deliveryIds.toSorted());
    });

    test("the queue and a consumer say that they are ready", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const consumer = consume(async () => COMPLETED);

      await waitUntilReady(consumer);
      await expect(consumer.checkReady()).resolves.toBeUndefined();
      await expect(open().counts()).resolves.toMatchObject({ waiting: 0, active: 0 });
    });

    test("a connection has the name of the service that made it", async (context) => {
      const { open, consume } = createHarness(context, await locate(context));
      const queue = open();
      await waitUntilReady(consume(async () => COMPLETED, { name: "dossier-worker" }));

      const name = await waitFor(async () => {
        const workers = await (await queue.bullmq()).getWorkers();
        const names = workers.map((worker) => worker["rawname"] ?? worker["name"]);
        return names.find((each) => each?.endsWith(":w:dossier-worker"));
      });
      expect(name).toContain(queue.backend === "redis" ? "{dossier:" : "deliveries");
    });
  });
}
