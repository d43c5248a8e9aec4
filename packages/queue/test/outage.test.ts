import { randomUUID } from "node:crypto";
import { needs, startPostgres, startRedis, waitFor } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { migrateQueue, type QueueLocation } from "../src/index.ts";
import {
  COMPLETED,
  createHarness,
  enqueueEventually,
  manualHandler,
  waitForCounts,
  waitUntilReady,
  redisLocation,
} from "./harness.ts";

type Server = Awaited<ReturnType<typeof startRedis>>;

const SERVERS: Record<string, (context: TestContext) => Promise<[Server, QueueLocation]>> = {
  async redis(context) {
    needs(context, "redisServer");
    const server = await startRedis();
    context.onTestFinished(() => server.stop());
    return [server, redisLocation(server.url)];
  },
  async postgres(context) {
    const server = await startPostgres();
    context.onTestFinished(() => server.stop());
    await migrateQueue(server.url);
    return [server, { databaseUrl: server.url }];
  },
};

// A call can meet its own limit, one of the connection, or one of the socket first.
const UNAVAILABLE = /unavailable|ECONNREFUSED|no answer within 500 ms/;
const TIMED_OUT = /unavailable|no answer within 300 ms|timed out|timeout/;

describe.each(Object.entries(SERVERS))("during an outage of %s", (_backend, start) => {
  test("what is opened rejects in time, and works once the server is up", async (context) => {
    const [server, location] = await start(context);
    await server.kill();
    const { open, consume } = createHarness(context, location);
    const queue = open({ timeoutMs: 500 });
    const jobs = manualHandler();
    const consumer = consume(jobs.handle);

    await expect(queue.enqueue([randomUUID()])).rejects.toThrow(UNAVAILABLE);
    await expect(queue.counts()).rejects.toThrow(UNAVAILABLE);
    await expect(consumer.checkReady()).rejects.toThrow("no answer within 1000 ms");

    await server.restart();
    const deliveryIds = [randomUUID()];
    await enqueueEventually(queue, deliveryIds);
    const job = await jobs.next();
    expect(job.deliveryIds).toEqual(deliveryIds);
    job.end(COMPLETED);
    await waitUntilReady(consumer);
  });

  test("jobs survive a crash of the server, and consumers resume by themselves", async (context) => {
    const [server, location] = await start(context);
    const { open, consume } = createHarness(context, location);
    const queue = open();
    const jobs = manualHandler();
    consume(jobs.handle, { concurrency: 1 });
    const [first, second, third] = [[randomUUID()], [randomUUID()], [randomUUID()]];
    await queue.enqueue(first);
    const inFlight = await jobs.next();
    await queue.enqueue(second);

    await server.kill();
    inFlight.end(COMPLETED);
    await server.restart();

    await enqueueEventually(queue, third);
    for (const deliveryIds of [second, third]) {
      const job = await jobs.next();
      expect(job.deliveryIds).toEqual(deliveryIds);
      job.end(COMPLETED);
    }
    await waitForCounts(queue, { active: 0, waiting: 0, delayed: 0, failed: 0 });
    for (const { attemptsMade } of await (await queue.bullmq()).getCompleted()) expect(attemptsMade).toBe(1);
  });

  test("a frozen server delays no caller beyond the limit, and no job is lost", async (context) => {
    const [server, location] = await start(context);
    const { open, consume } = createHarness(context, location);
    const queue = open({ timeoutMs: 300 });
    const jobs = manualHandler();
    consume(jobs.handle);
    await enqueueEventually(queue, [randomUUID()]);
    (await jobs.next()).end(COMPLETED);

    await server.kill("SIGSTOP");
    await expect(queue.enqueue([randomUUID()])).rejects.toThrow(TIMED_OUT);
    await expect(queue.counts()).rejects.toThrow(TIMED_OUT);
    await server.kill("SIGCONT");

    const deliveryIds = [randomUUID()];
    await enqueueEventually(queue, deliveryIds);
    await waitFor(async () => {
      const job = await jobs.next();
      job.end(COMPLETED);
      return job.deliveryIds[0] === deliveryIds[0];
    });
  });

  test("an idle consumer closes, whatever time it has for its jobs", async (context) => {
    const [server, location] = await start(context);
    const consumer = createHarness(context, location).consume(async () => COMPLETED);
    await waitUntilReady(consumer);

    await server.kill("SIGSTOP");

    expect(await consumer.close(3_600_000)).toBeTypeOf("boolean");
    await server.kill("SIGCONT");
  });
});
