import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { needs, startProxy, startRedis, waitFor, type Proxy } from "../src/index.ts";

async function startServer(onConnection: (socket: Socket) => void): Promise<Server & { url: string }> {
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

const echo = () => startServer((socket) => void socket.pipe(socket));

async function proxyTo(target: string): Promise<Proxy> {
  const proxy = await startProxy({ target });
  onTestFinished(() => proxy.close());
  return proxy;
}

function connectTo(proxy: Proxy): Socket {
  const socket = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
  onTestFinished(() => void socket.destroy());
  return socket;
}

async function received(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return bytes.toString();
}

/** Resolves with how a connection ended. */
async function ending(socket: Socket): Promise<"end" | "reset"> {
  socket.resume();
  return new Promise((resolve) => {
    socket.once("end", () => resolve("end"));
    socket.once("error", () => resolve("reset"));
  });
}

const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

test("without a fault, bytes and ends arrive as they were sent", async () => {
  const proxy = await proxyTo((await echo()).url);
  const socket = connectTo(proxy);
  const sent = randomBytes(8 * 1024 * 1024);
  socket.end(sent);
  expect(sha(await buffer(socket))).toBe(sha(sent));
});

test("a reset by the target reaches the client", async () => {
  const target = await startServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  const socket = connectTo(await proxyTo(target.url));
  socket.write("hello");
  expect(await ending(socket)).toBe("reset");
});

test("a reset by the client reaches the target", async () => {
  const accepted = Promise.withResolvers<Socket>();
  const target = await startServer(accepted.resolve);
  const socket = connectTo(await proxyTo(target.url));
  const far = await accepted.promise;
  socket.resetAndDestroy();
  expect(await ending(far)).toBe("reset");
});

test("a target that is down resets the client", async () => {
  const proxy = await proxyTo("tcp://127.0.0.1:9");
  expect(await ending(connectTo(proxy))).toBe("reset");
});

test("a cut resets every connection and each new one, until restored", async () => {
  const proxy = await proxyTo((await echo()).url);
  const before = connectTo(proxy);
  before.write("hello");
  expect(await received(before)).toBe("hello");

  proxy.apply({ kind: "cut" });
  expect(await ending(before)).toBe("reset");
  expect(await ending(connectTo(proxy))).toBe("reset");

  proxy.restore();
  const after = connectTo(proxy);
  after.write("again");
  expect(await received(after)).toBe("again");
});

test("a delay makes everything arrive late in each direction, and in order", async () => {
  const proxy = await proxyTo((await echo()).url);
  const socket = connectTo(proxy);
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
  const proxy = await proxyTo((await echo()).url);
  const socket = connectTo(proxy);
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

test("half-open, requests arrive; responses and either side's end do not", async () => {
  const accepted = Promise.withResolvers<Socket>();
  const target = await startServer(accepted.resolve);
  const proxy = await proxyTo(target.url);
  const socket = connectTo(proxy);
  const events: string[] = [];
  socket.on("data", (bytes) => events.push(bytes.toString())).on("end", () => events.push("end"));
  const far = await accepted.promise;

  proxy.apply({ kind: "half-open" });
  far.end("answer");
  await waitFor(
    () => proxy.brokenConnections,
    (broken) => expect(broken).toBe(1),
  );
  socket.write("request");
  expect(await received(far)).toBe("request");
  far.destroy();
  expect(events).toEqual([]);

  proxy.restore();
  expect(await ending(socket)).toBe("reset");
  expect(events).toEqual([]);
});

test("in a black hole nothing arrives, and connections that lost something are reset afterwards", async () => {
  const proxy = await proxyTo((await echo()).url);
  const talking = connectTo(proxy);
  const silent = connectTo(proxy);
  for (const socket of [talking, silent]) {
    socket.write("I am here");
    expect(await received(socket)).toBe("I am here");
  }

  proxy.apply({ kind: "black-hole" });
  const late = connectTo(proxy);
  const events: unknown[] = [];
  for (const socket of [talking, late]) {
    socket.on("data", (bytes) => events.push(bytes));
    socket.write("hello?");
  }
  const endings = Promise.all([ending(talking), ending(late)]);
  await waitFor(
    () => proxy.brokenConnections,
    (broken) => expect(broken).toBe(2),
  );

  proxy.restore();
  expect(await endings).toEqual(["reset", "reset"]);
  expect(events).toEqual([]);
  silent.write("still");
  expect(await received(silent)).toBe("still");
});

test("if the target does not read, the client waits and the proxy holds little", async () => {
  const target = await startServer((socket) => void socket.pause());
  const proxy = await proxyTo(target.url);
  const socket = connectTo(proxy);
  const all = 256 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024);
  let taken = 0;
  const send = () => {
    if (taken < all) socket.write(chunk, () => send());
    taken += chunk.length;
  };
  send();

  // Stopped: five probes in a row see no progress.
  let before = -1;
  let unchanged = 0;
  await waitFor(
    () => taken,
    (now) => {
      unchanged = now === before ? unchanged + 1 : 0;
      before = now;
      return unchanged === 5;
    },
  );
  expect(taken).toBeLessThan(64 * 1024 * 1024);
});

test("a Redis behind a proxy has the same URL, and can be cut off and reached again", async (context) => {
  needs(context, "redisServer");
  const redis = await startRedis({ settings: { appendfsync: "always" } });
  onTestFinished(() => redis.stop());
  const proxy = await proxyTo(`${redis.url}/3`);
  expect(proxy.url).toBe(`redis://127.0.0.1:${proxy.port}/3`);

  const socket = connectTo(proxy);
  socket.write("SET k v\r\n");
  expect(await received(socket)).toBe("+OK\r\n");

  proxy.apply({ kind: "half-open" });
  socket.write("SET k w\r\n");
  const direct = connect(redis.port, "127.0.0.1");
  onTestFinished(() => void direct.destroy());
  const value = () => {
    direct.write("GET k\r\n");
    return received(direct);
  };
  await waitFor(value, (answer) => expect(answer).toBe("$1\r\nw\r\n"));

  await redis.kill();
  proxy.restore();
  expect(await ending(socket)).toBe("reset");
  await redis.restart();
  const again = connectTo(proxy);
  again.write("GET k\r\n");
  expect(await received(again)).toBe("$1\r\nw\r\n");
});
