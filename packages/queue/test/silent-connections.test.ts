import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test, type TestContext } from "vitest";
import type { QueueLocation } from "../src/index.ts";
import {
  BACKENDS,
  COMPLETED,
  createHarness,
  manualHandler,
  redisLocation,
  waitForCounts,
} from "./harness.ts";

/** Starts a proxy before the queue's server. Its present connections can be silenced, while new ones work. */
async function startSilencingProxy(context: TestContext, location: QueueLocation) {
  const url = new URL("redisUrl" in location ? location.redisUrl : location.databaseUrl);
  const target = { port: Number(url.port), host: url.hostname, allowHalfOpen: true };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
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
    location: "redisUrl" in location ? redisLocation(url.href) : { databaseUrl: url.href },
    /** Drops everything that is sent on the present connections, and closes none of them. */
    silence() {
      for (const socket of sockets) socket.unpipe().resume();
      sockets.clear();
    },
  };
}

describe.concurrent.each(Object.entries(BACKENDS))("on %s", (_backend, locate) => {
  test("a consumer whose connections fall silent consumes over new ones", async (context) => {
    const direct = await locate(context);
    const proxy = await startSilencingProxy(context, direct);
    const queue = createHarness(context, direct).open();
    const jobs = manualHandler();
    createHarness(context, proxy.location).consume(jobs.handle);
    await queue.enqueue([randomUUID()]);
    (await jobs.next()).end(COMPLETED);
    await waitForCounts(queue, { completed: 1 });

    proxy.silence();
    const deliveryIds = [randomUUID()];
    await queue.enqueue(deliveryIds);

    const job = await jobs.next();
    expect(job.deliveryIds).toEqual(deliveryIds);
    job.end(COMPLETED);
  });
});
