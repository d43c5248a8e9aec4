import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { freshRedis, waitFor } from "@dossier/testing";
import { describe, expect, test, vi, type TestContext } from "vitest";
import type { ConsumerOptions, QueueLocation } from "../src/index.ts";
import {
  BACKENDS,
  COMPLETED,
  createHarness,
  manualHandler,
  redisLocation,
  waitForCounts,
  waitUntilReady,
} from "./harness.ts";

/** Starts a proxy before the queue's server. Its present connections can be silenced, and those to come too. */
async function startSilencingProxy(context: TestContext, location: QueueLocation) {
  const url = new URL("redisUrl" in location ? location.redisUrl : location.databaseUrl);
  const target = { port: Number(url.port), host: url.hostname, allowHalfOpen: true };
  const sockets = new Set<Socket>();
  let silent = false;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    sockets.add(near);
    if (silent) return void near.on("error", () => undefined).resume();
    const far = connect(target);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on("error", () => to.destroy());
      from.pipe(to);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  context.onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    location: "redisUrl" in location ? { ...location, redisUrl: url.href } : { databaseUrl: url.href },
    /** Drops everything that is sent on the present connections, and closes none of them. */
    silence() {
      for (const socket of sockets) socket.unpipe().resume();
    },
    /** Ends all connections, and refuses those to come. */
    refuse() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
    /** The same as `silence`, for those to come as well. */
    silenceAll() {
      silent = true;
      this.silence();
    },
  };
}

let redisUrl: Promise<string> | undefined;

/** The tests run at the same time, so that each needs a queue of its own in this file's Redis. */
const LOCATIONS: typeof BACKENDS = {
  ...BACKENDS,
  redis: async (context) => redisLocation(await (redisUrl ??= freshRedis(context)), randomUUID()),
};

/** Shorter than the limits of the connection itself, which therefore find nothing here. */
const ASK_INTERVAL_MS = 200;

/** Starts a consumer behind a proxy, and a queue that is connected without it. */
async function start(
  context: TestContext,
  silence: NonNullable<ConsumerOptions["silence"]>,
  locate = LOCATIONS.redis,
) {
  const direct = await locate(context);
  const proxy = await startSilencingProxy(context, direct);
  const queue = createHarness(context, direct).open();
  const jobs = manualHandler();
  const onReplaced = vi.fn<() => void>();
  const onGivenUp = vi.fn<() => void>();
  const consumer = createHarness(context, proxy.location).consume(jobs.handle, {
    concurrency: 2,
    askIntervalMs: ASK_INTERVAL_MS,
    silence,
    onReplaced,
    onGivenUp,
  });
  await waitUntilReady(consumer);
  return { proxy, queue, jobs, consumer, onReplaced, onGivenUp };
}

describe.concurrent.each(Object.entries(LOCATIONS))("on %s a consumer", (_backend, locate) => {
  test("whose sockets are frozen replaces its connection, and takes jobs again", async (context) => {
    const limits = { replaceAfterMs: 2_000, giveUpAfterMs: 600_000 };
    const { proxy, queue, jobs, consumer, onReplaced } = await start(context, limits, locate);
    await queue.enqueue([randomUUID()]);
    const inFlight = await jobs.next();

    proxy.silence();
    await waitFor(() => onReplaced.mock.calls.length > 0);
    const deliveryIds = [randomUUID()];
    await queue.enqueue(deliveryIds);

    const job = await jobs.next();
    expect(job.deliveryIds).toEqual(deliveryIds);
    job.end(COMPLETED);
    inFlight.end(COMPLETED);
    await waitForCounts(queue, { completed: 1 });
    await waitUntilReady(consumer);
    expect(await consumer.close(5_000)).toBe(true);
  });
});

describe.concurrent("a consumer", () => {
  test("whose new connection is silent too gives up, and says that it takes no jobs", async (context) => {
    const limits = { replaceAfterMs: 2_000, giveUpAfterMs: 1_000 };
    const { proxy, consumer, onReplaced, onGivenUp } = await start(context, limits);

    proxy.silenceAll();

    await waitFor(() => onGivenUp.mock.calls.length > 0);
    expect(onReplaced).toHaveBeenCalled();
    await expect(consumer.checkReady()).rejects.toThrow("no answer");
  });

  test("that is refused replaces its connection, and does not give up", async (context) => {
    const limits = { replaceAfterMs: 1_000, giveUpAfterMs: 1_000 };
    const { proxy, onReplaced, onGivenUp } = await start(context, limits);

    proxy.refuse();

    await waitFor(() => onReplaced.mock.calls.length > 2);
    expect(onGivenUp).not.toHaveBeenCalled();
  });

  test("that has nothing to do but a job for later, or has no slot free, replaces nothing", async (context) => {
    const limits = { replaceAfterMs: 3_000, giveUpAfterMs: 3_000 };
    const { queue, jobs, consumer, onReplaced, onGivenUp } = await start(context, limits);
    await queue.enqueueSingle(randomUUID(), { delayMs: 3_600_000 });
    const idleSince = performance.now();
    await waitFor(() => performance.now() - idleSince > 4_500);

    const busy = [
      await queue.enqueue([randomUUID()]).then(jobs.next),
      await queue.enqueue([randomUUID()]).then(jobs.next),
    ];
    const busySince = performance.now();
    await waitFor(() => performance.now() - busySince > 4_500);

    for (const job of busy) job.end(COMPLETED);
    await waitForCounts(queue, { completed: 2 });
    await waitUntilReady(consumer);
    expect(onReplaced).not.toHaveBeenCalled();
    expect(onGivenUp).not.toHaveBeenCalled();
  });
});
