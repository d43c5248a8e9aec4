import { randomUUID } from "node:crypto";
import { needs, startPostgres, startRedis } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { migrateQueue, type QueueLocation } from "../src/index.ts";
import { done, eventually, handedOver, opener } from "./harness.ts";

type Server = Awaited<ReturnType<typeof startRedis>>;

const SERVERS: Record<string, (context: TestContext) => Promise<[Server, QueueLocation]>> = {
  async redis(context) {
    await needs(context, "redisServer");
    const server = await startRedis();
    context.onTestFinished(() => server.stop());
    return [server, { redisUrl: server.url }];
  },
  async postgres(context) {
    const server = await startPostgres();
    context.onTestFinished(() => server.stop());
    await migrateQueue(server.url);
    return [server, { databaseUrl: server.url }];
  },
};

describe.each(Object.entries(SERVERS))("when %s goes away", (_backend, start) => {
  test("a call made at boot while it is down is refused in time, and what was opened works once it is up", async (context) => {
    const [server, location] = await start(context);
    await server.kill();
    const { queue: open, consumer } = opener(context, location);
    const queue = open({ timeoutMs: 500 });
    const jobs = handedOver();
    const consuming = consumer(jobs.process);

    await expect(queue.enqueue([randomUUID()])).rejects.toThrow(/away|ECONNREFUSED|no answer within 500 ms/);
    expect(await queue.readiness()).toMatchObject({ ready: false });
    expect(await consuming.readiness()).toMatchObject({ ready: false });

    await server.restart();
    const deliveryIds = [randomUUID()];
    await eventually(() => queue.enqueue(deliveryIds));
    const job = await jobs.next();
    expect(job.deliveryIds).toEqual(deliveryIds);
    job.answer(done);
    await eventually(async () => (await consuming.readiness()).ready);
  });

  test("jobs survive its crash, and consumers go on by themselves", async (context) => {
    const [server, location] = await start(context);
    const { queue: open, consumer } = opener(context, location);
    const queue = open();
    const jobs = handedOver();
    consumer(jobs.process, { concurrency: 1 });
    const [first, second, third] = [[randomUUID()], [randomUUID()], [randomUUID()]];
    await queue.enqueue(first);
    const inFlight = await jobs.next();
    await queue.enqueue(second);

    await server.kill();
    inFlight.answer(done);
    await server.restart();

    await eventually(() => queue.enqueue(third));
    for (const deliveryIds of [second, third]) {
      const job = await jobs.next();
      expect(job).toMatchObject({ deliveryIds, attempt: 1 });
      job.answer(done);
    }
    await eventually(async () => (await queue.counts()).active === 0);
    expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 0, failed: 0 });
  });

  test("a frozen server delays no caller for longer than the limit, and nothing is lost by it", async (context) => {
    const [server, location] = await start(context);
    const { queue: open, consumer } = opener(context, location);
    const queue = open({ timeoutMs: 300 });
    const jobs = handedOver();
    consumer(jobs.process);
    await eventually(() => queue.enqueue([randomUUID()]));
    (await jobs.next()).answer(done);

    await server.kill("SIGSTOP");
    await expect(queue.enqueue([randomUUID()])).rejects.toThrow(/no answer within 300 ms|timed out|timeout/);
    expect(await queue.readiness()).toMatchObject({ ready: false });
    await server.kill("SIGCONT");

    const deliveryIds = [randomUUID()];
    await eventually(() => queue.enqueue(deliveryIds));
    await eventually(async () => {
      const job = await jobs.next();
      job.answer(done);
      return job.deliveryIds[0] === deliveryIds[0];
    });
  });

  test("an idle consumer closes while it is away, however long it may take for its jobs", async (context) => {
    const [server, location] = await start(context);
    const { consumer } = opener(context, location);
    const consuming = consumer(async () => done);
    await eventually(async () => (await consuming.readiness()).ready);

    await server.kill("SIGSTOP");

    expect(await consuming.close(3_600_000)).toBe(false);
    await server.kill("SIGCONT");
  });
});
