import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { inspect } from "node:util";
import { needs, startRedis } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { openQueue } from "../src/index.ts";
import { done, eventually, handedOver, opener } from "./harness.ts";

async function ownRedis(context: TestContext, settings: Record<string, string> = {}) {
  await needs(context, "redisServer");
  const server = await startRedis({ settings });
  context.onTestFinished(() => server.stop());
  return server;
}

/** Sends a command past the queue's own connections. */
async function command(port: number, ...words: string[]): Promise<string> {
  const socket = connect(port, "127.0.0.1").setEncoding("utf8");
  socket.write(`${words.join(" ")}\r\n`);
  const [answer] = (await once(socket, "data")) as [string];
  socket.destroy();
  return answer.trim();
}

test("after FLUSHALL and SCRIPT FLUSH a consumer goes on with what is enqueued then", async (context) => {
  const server = await ownRedis(context);
  const { queue: open, consumer } = opener(context, { redisUrl: server.url });
  const queue = open();
  const jobs = handedOver();
  const consuming = consumer(jobs.process, { concurrency: 2 });
  await queue.enqueue([randomUUID()]);
  const inFlight = await jobs.next();

  expect(await command(server.port, "FLUSHALL")).toBe("+OK");
  expect(await command(server.port, "SCRIPT", "FLUSH")).toBe("+OK");

  for (const deliveryIds of [[randomUUID()], [randomUUID()], [randomUUID()]]) {
    await queue.enqueue(deliveryIds);
    const job = await jobs.next();
    expect(job.deliveryIds).toEqual(deliveryIds);
    job.answer(done);
  }
  inFlight.answer(done);
  await eventually(async () => consuming.inFlight === 0 && (await queue.counts()).completed === 3);
  expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, failed: 0 });
});

test("while the server is a read-only replica nothing fails, and it goes on when that is over", async (context) => {
  const server = await ownRedis(context);
  const { queue: open, consumer, errors } = opener(context, { redisUrl: server.url });
  const queue = open();
  const jobs = handedOver();
  consumer(jobs.process, { concurrency: 1 });
  await queue.enqueue([randomUUID()]);
  const inFlight = await jobs.next();

  expect(await command(server.port, "REPLICAOF", "127.0.0.1", "1")).toBe("+OK");
  inFlight.answer({ kind: "retry", error: "an attempt made by the processor", delayMs: 0 });
  await expect(queue.enqueue([randomUUID()])).rejects.toThrow("READONLY");
  await eventually(async () => errors.some((error) => error.message.startsWith("READONLY")));
  expect(await command(server.port, "REPLICAOF", "NO", "ONE")).toBe("+OK");

  const again = await jobs.next();
  expect(again).toMatchObject({ deliveryIds: inFlight.deliveryIds, attempt: 2 });
  again.answer(done);
  await eventually(async () => (await queue.counts()).completed === 1);
});

test("a password in the URL is used, and never shown", async (context) => {
  const server = await ownRedis(context, { requirepass: "s3cret%word" });
  const errors: Error[] = [];
  const open = (password: string) => {
    const queue = openQueue(
      { redisUrl: `redis://:${encodeURIComponent(password)}@127.0.0.1:${server.port}/3` },
      { name: "test", timeoutMs: 5_000, onError: (error) => errors.push(error) },
    );
    context.onTestFinished(() => queue.close());
    return queue;
  };

  await open("s3cret%word").enqueue([randomUUID()]);
  const readiness = await open("wr0ng%word").readiness();

  expect(readiness).toMatchObject({ ready: false, reason: expect.stringContaining("WRONGPASS") });
  expect(errors.length).toBeGreaterThan(0);
  for (const error of errors) {
    expect(inspect(error, { depth: null, showHidden: true })).not.toMatch(/cret|wr0ng/);
  }
});
