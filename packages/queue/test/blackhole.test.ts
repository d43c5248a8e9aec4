import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { describe, expect, test, type TestContext } from "vitest";
import { consume, type QueueLocation } from "../src/index.ts";
import { BACKENDS, done, eventually, handedOver, opener } from "./harness.ts";

/** The same location through a proxy whose connections can be made to swallow everything. */
async function throughProxy(context: TestContext, location: QueueLocation) {
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
    location: "redisUrl" in location ? { redisUrl: url.href } : { databaseUrl: url.href },
    /** From now on, what the present connections are sent goes nowhere, though none of them is closed. */
    swallow() {
      for (const socket of sockets) socket.unpipe().resume();
      sockets.clear();
    },
  };
}

describe.concurrent.each(Object.entries(BACKENDS))("on %s", (_backend, start) => {
  test("a consumer whose connections go silent notices, and consumes over new ones", async (context) => {
    const direct = await start(context);
    const proxy = await throughProxy(context, direct);
    const { queue: open } = opener(context, direct);
    const queue = open();
    const jobs = handedOver();
    const consuming = consume(proxy.location, jobs.process, {
      name: "test-consumer",
      concurrency: 4,
      handleStalled: async () => done,
      onError: () => {},
    });
    context.onTestFinished(async () => void (await consuming.close(5_000)));
    await queue.enqueue([randomUUID()]);
    (await jobs.next()).answer(done);
    await eventually(async () => (await queue.counts()).completed === 1);

    proxy.swallow();
    const deliveryIds = [randomUUID()];
    await queue.enqueue(deliveryIds);

    const job = await jobs.next();
    expect(job).toMatchObject({ deliveryIds, attempt: 1 });
    job.answer(done);
  });
});
