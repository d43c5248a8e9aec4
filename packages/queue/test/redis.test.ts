import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { inspect } from "node:util";
import { freshRedis, needs, startRedis, waitFor } from "@dossier/testing";
import { expect, test, vi, type TestContext } from "vitest";
import { openQueue } from "../src/index.ts";
import { COMPLETED, createHarness, manualHandler, redisLocation, waitForCounts } from "./harness.ts";

async function startOwnRedis(context: TestContext, settings: Record<string, string> = {}) {
  needs(context, "redisServer");
  const server = await startRedis({ settings });
  context.onTestFinished(() => server.stop());
  return server;
}

/** Sends a command on a connection of its own. */
async function sendCommand(port: number, ...words: string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  socket.write(`${words.join(" ")}\r\n`);
  const [answer] = (await once(socket, "data")) as [string];
  socket.destroy();
  return answer.trim();
}

test("after FLUSHALL and SCRIPT FLUSH, a consumer processes what is enqueued then", async (context) => {
  const server = await startOwnRedis(context);
  const { open, consume } = createHarness(context, redisLocation(server.url));
  const queue = open();
  const jobs = manualHandler();
  const consumer = consume(jobs.handle, { concurrency: 2 });
  await queue.enqueue([randomUUID()]);
  const inFlight = await jobs.next();

  expect(await sendCommand(server.port, "FLUSHALL")).toBe("+OK");
  expect(await sendCommand(server.port, "SCRIPT", "FLUSH")).toBe("+OK");

  for (const deliveryIds of [[randomUUID()], [randomUUID()], [randomUUID()]]) {
    await queue.enqueue(deliveryIds);
    const job = await jobs.next();
    expect(job.deliveryIds).toEqual(deliveryIds);
    job.end(COMPLETED);
  }
  inFlight.end(COMPLETED);
  expect(await consumer.close(10_000)).toBe(true);
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, failed: 0, completed: 3 });
});

test("while the server is a read-only replica no job fails, and then consumers resume", async (context) => {
  const server = await startOwnRedis(context);
  const { open, consume, errors } = createHarness(context, redisLocation(server.url));
  const queue = open();
  const jobs = manualHandler();
  consume(jobs.handle, { concurrency: 1 });
  await queue.enqueue([randomUUID()]);
  const inFlight = await jobs.next();

  expect(await sendCommand(server.port, "REPLICAOF", "127.0.0.1", "1")).toBe("+OK");
  inFlight.end({ kind: "retry", error: "not yet", delayMs: 0 });
  await expect(queue.enqueue([randomUUID()])).rejects.toThrow("READONLY");
  await waitFor(() => errors.find((error) => error.message.startsWith("READONLY")));
  expect(await sendCommand(server.port, "REPLICAOF", "NO", "ONE")).toBe("+OK");

  const again = await jobs.next();
  expect(again.deliveryIds).toEqual(inFlight.deliveryIds);
  again.end(COMPLETED);
  await waitForCounts(queue, { completed: 1 });
  expect(await (await queue.bullmq()).getCompleted()).toMatchObject([{ attemptsMade: 2 }]);
});

test("a password in the URL is used, and stands in no error", async (context) => {
  const server = await startOwnRedis(context, { requirepass: "s3cret%word" });
  const errors: unknown[] = [];
  const open = (password: string) => {
    const queue = openQueue(
      redisLocation(`redis://:${encodeURIComponent(password)}@127.0.0.1:${server.port}/3`),
      { name: "test", timeoutMs: 5_000, onError: (error) => errors.push(error) },
    );
    context.onTestFinished(() => queue.close());
    return queue;
  };

  await open("s3cret%word").enqueue([randomUUID()]);
  const refused = await open("wr0ng%word")
    .counts()
    .catch((error: unknown) => error);

  expect(refused).toMatchObject({ message: expect.stringContaining("WRONGPASS") });
  expect(errors.length).toBeGreaterThan(0);
  for (const error of [refused, ...errors])
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/cret|wr0ng/);
});

test("adding and replacing a delivery's own job searches no list of jobs, which may be long", async (context) => {
  const server = await startOwnRedis(context);
  const queue = createHarness(context, redisLocation(server.url)).open();
  await queue.enqueue([randomUUID()]);

  await queue.enqueueSingle(randomUUID());
  await queue.replaceSingles([randomUUID()]);
  await queue.remove([randomUUID()]);

  expect(await queue.counts()).toMatchObject({ waiting: 3 });
  const commands = await sendCommand(server.port, "INFO", "commandstats");
  expect(commands).toContain("cmdstat_zadd");
  expect(commands).not.toMatch(/cmdstat_(lpos|lrem|lrange)/);
});

test("installations that share a Redis do not see each other's jobs", async (context) => {
  const redisUrl = await freshRedis(context);
  const [ours, theirs] = ["a", "b"].map((id) => createHarness(context, redisLocation(redisUrl, id)));
  const [ourQueue, theirQueue] = [ours!.open(), theirs!.open()];
  const deliveryId = randomUUID();
  await theirQueue.enqueue([deliveryId]);
  await ourQueue.enqueueSingle(deliveryId);
  const jobs = manualHandler();
  ours!.consume(jobs.handle);
  expect((await jobs.next()).single).toBe(true);
  expect(await theirQueue.counts()).toMatchObject({ waiting: 1, active: 0 });
});

test("the installation's id may be known later: then jobs are added and consumed", async (context) => {
  const location = {
    redisUrl: await freshRedis(context),
    installationId: vi.fn<() => Promise<string>>().mockRejectedValue(new Error("not migrated")),
  };
  const { open, consume } = createHarness(context, location);
  const queue = open();
  await expect(queue.enqueue([randomUUID()])).rejects.toThrow("not migrated");
  location.installationId.mockResolvedValue("late");
  const id = Promise.withResolvers<string>();
  location.installationId.mockReturnValueOnce(id.promise);
  const jobs = manualHandler();
  const consumer = consume(jobs.handle);
  await expect(consumer.checkReady()).rejects.toThrow("not known yet");
  id.resolve("late");
  await queue.enqueue([randomUUID()]);
  expect((await jobs.next()).deliveryIds).toHaveLength(1);
});
