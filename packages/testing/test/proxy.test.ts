import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { needs, startProxy, startRedis, waitFor, type Proxy } from "../src/index.ts";

async function listening(onConnection: (socket: Socket) => void): Promise<Server & { url: string }> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket.on("error", () => {}));
    onConnection(socket);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(server, { url: `tcp://127.0.0.1:${port}` });
}

const echo = () => listening((socket) => void socket.pipe(socket));

async function proxyOf(target: string): Promise<Proxy> {
  const proxy = await startProxy({ target });
  onTestFinished(() => proxy.close());
  return proxy;
}

function client(proxy: Proxy): Socket {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function said(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString();
}

/** How a connection ended: in good order or by a reset. */
async function ending(socket: Socket): Promise<"end" | "reset"> {
  socket.resume();
  return new Promise((resolve) => {
    socket.once("end", () => resolve("end"));
    socket.once("error", () => resolve("reset"));
  });
}

const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

test("without a fault, bytes and ends arrive as they were sent", async () => {
  const proxy = await proxyOf((await echo()).url);
  const socket = client(proxy);
  const sent = randomBytes(8 * 1024 * 1024);
  socket.end(sent);
  expect(sha(await buffer(socket))).toBe(sha(sent));
});

test("a reset by the target reaches the client", async () => {
  const target = await listening((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const socket = client(await proxyOf(target.url));
  socket.write("hello");
  expect(await ending(socket)).toBe("reset");
});

test("a reset by the client reaches the target", async () => {
  const met = Promise.withResolvers<Socket>();
  const target = await listening(met.resolve);
  const socket = client(await proxyOf(target.url));
  const far = await met.promise;
  socket.resetAndDestroy();
  expect(await ending(far)).toBe("reset");
});

test("a target that is down resets the client", async () => {
  const proxy = await proxyOf("tcp://127.0.0.1:9");
  expect(await ending(client(proxy))).toBe("reset");
});

test("a cut resets every connection and each new one, until restored", async () => {
  const proxy = await proxyOf((await echo()).url);
  const before = client(proxy);
  before.write("hello");
  expect(await said(before)).toBe("hello");

  proxy.apply({ kind: "cut" });
  expect(await ending(before)).toBe("reset");
  expect(await ending(client(proxy))).toBe("reset");

  proxy.restore();
  const after = client(proxy);
  after.write("again");
  expect(await said(after)).toBe("again");
});

test("a delay makes all arrive late, once for each direction, and in order", async () => {
  const proxy = await proxyOf((await echo()).url);
  const socket = client(proxy);
  proxy.apply({ kind: "delay", ms: 100 });
  const start = performance.now();
  const sent = randomBytes(3 * 1024 * 1024);
  for (let at = 0; at < sent.length; at += 10_000) socket.write(sent.subarray(at, at + 10_000));
  socket.end();
  const first = once(socket, "data").then(() => performance.now() - start);
  expect(sha(await buffer(socket))).toBe(sha(sent));
  // Timers may fire a little early.
  expect(await first).toBeGreaterThanOrEqual(190);
});

test("bytes stay in order while delays come and go", async () => {
  const proxy = await proxyOf((await echo()).url);
  const socket = client(proxy);
  const sent = randomBytes(500);
  for (const [at, byte] of sent.entries()) {
    if (at % 2 === 0) proxy.apply({ kind: "delay", ms: byte });
    else proxy.restore();
    socket.write(Uint8Array.of(byte));
    await nextTurn();
  }
  socket.end();
  expect(await buffer(socket)).toEqual(sent);
});

test("half-open, requests arrive and answers do not, nor does either side's end", async () => {
  const met = Promise.withResolvers<Socket>();
  const target = await listening(met.resolve);
  const proxy = await proxyOf(target.url);
  const socket = client(proxy);
  const heard: string[] = [];
  socket.on("data", (bytes) => heard.push(bytes.toString())).on("end", () => heard.push("end"));
  const far = await met.promise;

  proxy.apply({ kind: "half-open" });
  far.end("answer");
  await waitFor(
    () => proxy.torn,
    (torn) => expect(torn).toBe(1),
  );
  socket.write("request");
  expect(await said(far)).toBe("request");
  far.destroy();
  expect(heard).toEqual([]);

  proxy.restore();
  expect(await ending(socket)).toBe("reset");
  expect(heard).toEqual([]);
});

test("in a black hole nothing arrives, and what was lost there is reset afterwards", async () => {
  const proxy = await proxyOf((await echo()).url);
  const talking = client(proxy);
  const silent = client(proxy);
  for (const socket of [talking, silent]) {
    socket.write("I am here");
    expect(await said(socket)).toBe("I am here");
  }

  proxy.apply({ kind: "black-hole" });
  const late = client(proxy);
  const heard: unknown[] = [];
  for (const socket of [talking, late]) {
    socket.on("data", (bytes) => heard.push(bytes));
    socket.write("hello?");
  }
  const endings = Promise.all([ending(talking), ending(late)]);
  await waitFor(
    () => proxy.torn,
    (torn) => expect(torn).toBe(2),
  );

  proxy.restore();
  expect(await endings).toEqual(["reset", "reset"]);
  expect(heard).toEqual([]);
  silent.write("still");
  expect(await said(silent)).toBe("still");
});

test("a target that does not read makes the client wait, and the proxy hold little", async () => {
  const target = await listening((socket) => void socket.pause());
  const proxy = await proxyOf(target.url);
  const socket = client(proxy);
  const all = 256 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024);
  let taken = 0;
  const send = () => {
    if (taken < all) socket.write(chunk, () => send());
    taken += chunk.length;
  };
  send();

  const stuck = async () => {
    const before = taken;
    await delay(300);
    return taken === before;
  };
  await waitFor(stuck);
  expect(taken).toBeLessThan(64 * 1024 * 1024);
});

test("a Redis behind it is reached by the same URL, cut off and found again", async (context) => {
  await needs(context, "redisServer");
  const redis = await startRedis({ settings: { appendfsync: "always" } });
  onTestFinished(() => redis.stop());
  const proxy = await proxyOf(`${redis.url}/3`);
  expect(proxy.url).toBe(`redis://127.0.0.1:${proxy.port}/3`);

  const socket = client(proxy);
  socket.write("SET k v\r\n");
  expect(await said(socket)).toBe("+OK\r\n");

  proxy.apply({ kind: "half-open" });
  socket.write("SET k w\r\n");
  const direct = connect(redis.port, "127.0.0.1");
  onTestFinished(() => void direct.destroy());
  const value = () => {
    direct.write("GET k\r\n");
    return said(direct);
  };
  await waitFor(value, (answer) => expect(answer).toBe("$1\r\nw\r\n"));

  await redis.kill();
  proxy.restore();
  expect(await ending(socket)).toBe("reset");
  await redis.restart();
  const again = client(proxy);
  again.write("GET k\r\n");
  expect(await said(again)).toBe("$1\r\nw\r\n");
});
