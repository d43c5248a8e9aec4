import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { BACKENDS, done, eventually, handedOver, opener, reached } from "./harness.ts";

const singleId = (deliveryId: string) => `delivery-${deliveryId}`;
const quickRecovery = { lockDurationMs: 2_000, stalledIntervalMs: 500 };

describe.each(Object.entries(BACKENDS))("on %s", (backend, start) => {
  test("a job holds the ids of the deliveries and nothing else", async (context) => {
    const { queue: open } = opener(context, await start(context));
    const queue = open();
    const deliveryIds = [randomUUID(), randomUUID()];

    await queue.enqueue(deliveryIds);

    const [job] = await queue.bullmq.getJobs(["waiting"]);
    expect(job?.data).toEqual({ deliveryIds });
    expect(queue.backend).toBe(backend);
  });

  test("deliveries enqueued twice are processed twice, because the record decides what is new", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    const deliveryIds = [randomUUID()];

    await queue.enqueue(deliveryIds);
    await queue.enqueue(deliveryIds);
    await queue.enqueue([]);

    expect(await queue.counts()).toMatchObject({ waiting: 2 });
    consumer(jobs.process);
    for (const job of [await jobs.next(), await jobs.next()]) {
      expect(job).toMatchObject({ deliveryIds, attempt: 1 });
      job.answer(done);
    }
    await eventually(async () => (await queue.counts()).completed === 2);
    expect(await queue.counts()).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0, completed: 2 });
  });

  test("a delivery has one job of its own at a time, however often it is enqueued", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    const deliveryId = randomUUID();

    await queue.enqueueSingle(deliveryId, { delayMs: 3_600_000 });
    await queue.enqueueSingle(deliveryId);
    expect(await queue.counts()).toMatchObject({ delayed: 1, waiting: 0 });

    await queue.redrive([deliveryId]);
    await queue.enqueueSingle(deliveryId);
    expect(await queue.counts()).toMatchObject({ delayed: 0, waiting: 1 });

    consumer(jobs.process);
    const job = await jobs.next();
    await queue.enqueueSingle(deliveryId);
    await queue.redrive([deliveryId]);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 1 });
    job.answer(done);
  });

  test("a job of a delivery's own that ended makes place for the next", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    const [completes, fails] = [randomUUID(), randomUUID()];
    consumer(jobs.process);

    await queue.enqueueSingle(completes);
    (await jobs.next()).answer(done);
    await reached(queue, "completed", completes);
    await queue.enqueueSingle(fails);
    (await jobs.next()).answer({ kind: "failed", error: "no such person" });
    await reached(queue, "failed", fails);

    for (const deliveryId of [completes, fails]) {
      await queue.enqueueSingle(deliveryId);
      const job = await jobs.next();
      expect(job).toMatchObject({ deliveryIds: [deliveryId], attempt: 1 });
      job.answer(done);
    }
  });

  test("a delay is kept", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    consumer(jobs.process);
    const before = Date.now();

    await queue.enqueueSingle(randomUUID(), { delayMs: 150 });

    const job = await jobs.next();
    expect(Date.now() - before).toBeGreaterThanOrEqual(150);
    job.answer(done);
  });

  test("what is to be retried comes again, counted, until it is done", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    consumer(jobs.process);
    const deliveryIds = [randomUUID(), randomUUID()];

    await queue.enqueue(deliveryIds);
    (await jobs.next()).answer({ kind: "retry", error: "not yet", delayMs: 0 });
    const second = await jobs.next();
    expect(second).toMatchObject({ deliveryIds, attempt: 2 });
    second.answer({ kind: "retry", error: "not yet either", delayMs: 2 });
    const third = await jobs.next();
    expect(third).toMatchObject({ deliveryIds, attempt: 3 });
    third.answer(done);

    await eventually(async () => (await queue.counts()).completed === 1);
    expect(await queue.counts()).toMatchObject({ failed: 0, delayed: 0 });
  });

  test("a retry waits as long as its verdict says", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    consumer(jobs.process);
    const deliveryId = randomUUID();

    await queue.enqueueSingle(deliveryId);
    (await jobs.next()).answer({ kind: "retry", error: "not yet", delayMs: 3_600_000 });
    await reached(queue, "delayed", deliveryId);

    expect((await queue.bullmq.getJob(singleId(deliveryId)))?.delay).toBe(3_600_000);
  });

  test("a job out of attempts fails, and is kept with its reason and no stack", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open({ maxAttempts: 3 });
    const seen: number[] = [];
    consumer(async ({ attempt }) => {
      seen.push(attempt);
      return { kind: "retry", error: `attempt ${attempt} failed`, delayMs: 0 };
    });
    const deliveryId = randomUUID();

    await queue.enqueueSingle(deliveryId);
    await reached(queue, "failed", deliveryId);

    expect(seen).toEqual([1, 2, 3]);
    const [job] = await queue.bullmq.getFailed();
    expect(job).toMatchObject({ failedReason: "attempt 3 failed", attemptsMade: 3, stacktrace: [] });
  });

  test("a dead job fails at once, whatever attempts it has left", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open({ maxAttempts: 10 });
    consumer(async () => ({ kind: "failed", error: "unparsable" }));
    const deliveryId = randomUUID();

    await queue.enqueueSingle(deliveryId);
    await reached(queue, "failed", deliveryId);

    const [job] = await queue.bullmq.getFailed();
    expect(job).toMatchObject({ failedReason: "unparsable", attemptsMade: 1, stacktrace: [] });
  });

  test("what a processor throws is reported, and no word of it stored", async (context) => {
    const { queue: open, consumer, errors } = opener(context, await start(context));
    const queue = open({ maxAttempts: 1 });
    consumer(async ({ deliveryIds: [deliveryId] }) => {
      throw new Error(`cannot read John Appleseed of ${deliveryId}`);
    });
    const deliveryId = randomUUID();

    await queue.enqueueSingle(deliveryId);
    await reached(queue, "failed", deliveryId);

    const [job] = await queue.bullmq.getFailed();
    expect(JSON.stringify(job?.asJSON())).not.toContain("Appleseed");
    expect(errors.map((error) => error.message)).toContain(`cannot read John Appleseed of ${deliveryId}`);
  });

  test("redriven, failed deliveries start over, and those without a job get one", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    consumer(jobs.process, { concurrency: 1 });
    const [failed, unknown] = [randomUUID(), randomUUID()];
    await queue.enqueueSingle(failed);
    (await jobs.next()).answer({ kind: "retry", error: "not yet", delayMs: 0 });
    (await jobs.next()).answer({ kind: "failed", error: "never" });
    await reached(queue, "failed", failed);

    await queue.redrive([failed, unknown]);

    const first = await jobs.next();
    first.answer(done);
    const second = await jobs.next();
    second.answer(done);
    expect([first, second].map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(new Set([first, second].flatMap(({ deliveryIds }) => deliveryIds))).toEqual(
      new Set([failed, unknown]),
    );
    await eventually(async () => (await queue.counts()).completed === 2);
    expect(await queue.counts()).toMatchObject({ failed: 0 });
  });

  test("a thousand deliveries are redriven and removed, none left out", async (context) => {
    const { queue: open } = opener(context, await start(context));
    const queue = open();
    const deliveryIds = Array.from({ length: 1_001 }, () => randomUUID());

    await queue.redrive(deliveryIds);
    expect(await queue.counts()).toMatchObject({ waiting: 1_001 });
    await queue.remove(deliveryIds.slice(0, 1_000));
    expect(await queue.counts()).toMatchObject({ waiting: 1 });
  });

  test("a removed delivery's failed job is gone", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    consumer(async () => ({ kind: "failed", error: "never" }));
    const deliveryId = randomUUID();
    await queue.enqueueSingle(deliveryId);
    await reached(queue, "failed", deliveryId);

    await queue.remove([deliveryId, randomUUID()]);

    expect(await queue.counts()).toMatchObject({ failed: 0 });
  });

  test("a job outlives the consumer that died with it, and its attempt is not used up", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const [dying, living] = [handedOver(), handedOver()];
    const deliveryIds = [randomUUID(), randomUUID()];
    const first = consumer(dying.process, quickRecovery);
    await queue.enqueue(deliveryIds);
    const lost = await dying.next();

    expect(await first.close(0)).toBe(false);
    consumer(living.process, quickRecovery);

    const recovered = await living.next();
    expect(recovered).toMatchObject({ deliveryIds, single: false, attempt: 1 });
    lost.answer({ kind: "failed", error: "a verdict of the dead" });
    recovered.answer(done);
    await eventually(async () => (await queue.counts()).completed === 1);
    expect(await queue.counts()).toMatchObject({ failed: 0, active: 0 });
  });

  test("a job that stalled too often is given up instead of processed", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const [dying, living] = [handedOver(), handedOver()];
    const givenUp: unknown[] = [];
    const first = consumer(dying.process, quickRecovery);
    const deliveryId = randomUUID();
    await queue.enqueueSingle(deliveryId);
    const lost = await dying.next();

    await first.close(0);
    consumer(living.process, {
      ...quickRecovery,
      maxStalledCount: 0,
      async handleStalled(work) {
        givenUp.push(work);
        return { kind: "failed", error: "stalled" };
      },
    });

    await reached(queue, "failed", deliveryId);
    expect(givenUp).toEqual([{ deliveryIds: [deliveryId], single: true, attempt: 1 }]);
    expect((await queue.bullmq.getFailed())[0]?.failedReason).toBe("stalled");
    lost.answer(done);
  });

  test("closing waits for the job in flight and takes no other", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const jobs = handedOver();
    const closing = consumer(jobs.process, { concurrency: 1 });
    await queue.enqueue([randomUUID()]);
    const inFlight = await jobs.next();
    await queue.enqueue([randomUUID()]);
    expect(closing.inFlight).toBe(1);

    const closed = closing.close(30_000);
    expect(await closing.readiness()).toEqual({ ready: false, reason: "the consumer is closing" });
    inFlight.answer(done);

    expect(await closed).toBe(true);
    expect(closing.inFlight).toBe(0);
    expect(await queue.counts()).toMatchObject({ completed: 1, waiting: 1, active: 0 });
  });

  test("consumers share the jobs, each job going to one", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const seen: string[] = [];
    for (const _ of Array.from({ length: 3 })) {
      consumer(async ({ deliveryIds }) => {
        seen.push(...deliveryIds);
        return done;
      });
    }
    const deliveryIds = Array.from({ length: 60 }, () => randomUUID());

    await Promise.all(deliveryIds.map((deliveryId) => queue.enqueue([deliveryId])));
    await eventually(async () => (await queue.counts()).completed === 60);

    expect(seen.toSorted()).toEqual(deliveryIds.toSorted());
  });

  test("both ends say that they are ready", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const consuming = consumer(async () => done);

    await eventually(async () => (await queue.readiness()).ready);
    await eventually(async () => (await consuming.readiness()).ready);
    expect(await queue.readiness()).toEqual({ ready: true });
  });

  test("connections bear the names of who made them", async (context) => {
    const { queue: open, consumer } = opener(context, await start(context));
    const queue = open();
    const consuming = consumer(async () => done, { name: "dossier-worker" });
    await eventually(async () => (await consuming.readiness()).ready);

    const name = await eventually(async () => {
      const workers = await queue.bullmq.getWorkers();
      const names = workers.map((worker) => worker["rawname"] ?? worker["name"]);
      return names.find((each) => each?.endsWith(":w:dossier-worker")) ?? false;
    });
    expect(name).toContain(backend === "redis" ? "{dossier}" : "deliveries");
  });
});
