import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { type ConnectionLimits, createLogger, notFound, onError, type Server, serve } from "../src/index.ts";

const QUICK = { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 };
/** For requests that must come through first, however long this process is held up. */
const PATIENT = { ...QUICK, headersTimeout: 2_000, requestTimeout: 2_000 };
const host = "127.0.0.1";

/** An app whose `/slow` answers when it is told to, and that says when a request has come. */
function gatedApp() {
  const gate = Promise.withResolvers<string>();
  const arrived = Promise.withResolvers<void>();
  const lines: string[] = [];
  const log = createLogger({
    service: "test",
    level: "debug",
    destination: { write: (line) => lines.push(line) },
  });
  const app = new Hono()
    .get("/", (c) => c.text("here"))
    .get("/slow", async (c) => {
      arrived.resolve();
      return c.text(await gate.promise);
    })
    .post("/", async (c) => c.text(String((await c.req.arrayBuffer()).byteLength)))
    .notFound(notFound)
    .onError((error, c) => {
      arrived.resolve();
      return onError(log)(error, c);
    });
  return { app, lines, arrived: arrived.promise, release: gate.resolve };
}

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close(0).catch(() => undefined)));
});

async function started(app: Hono, limits: Partial<ConnectionLimits> = {}): Promise<Server> {
  const result = await serve(app, { port: 0, host, limits });
  if (!result.ok) throw new Error(result.error);
  servers.push(result.value);
  return result.value;
}

async function opened({ port }: Server): Promise<Socket> {
  const socket = connect({ port, host });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** All that a connection receives until it is closed. */
function received(socket: Socket): Promise<string> {
  return text(socket).catch((error: NodeJS.ErrnoException) => error.code ?? "error");
}

describe("serve", () => {
  test("listens on any free port when it is told 0", async () => {
    const { port } = await started(gatedApp().app);
    expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe("here");
  });

  test("says which port is in use", async () => {
    const { port } = await started(gatedApp().app);
    expect(await serve(gatedApp().app, { port, host })).toEqual({
      ok: false,
      error: `Port ${port} is in use: stop what listens there, or set PORT to another.`,
    });
  });
});

describe("close", () => {
  test("answers the request in flight, then closes every connection, and takes no other", async () => {
    const { app, arrived, release } = gatedApp();
    const server = await started(app);
    const url = `http://${host}:${server.port}`;
    const silent = received(await opened(server));
    const answer = fetch(`${url}/slow`);
    await arrived;
    const closed = server.close();
    await expect(fetch(url)).rejects.toThrow("fetch failed");
    release("answered");
    const { status, headers } = await answer;
    expect([status, await (await answer).text(), headers.get("connection")]).toEqual([
      200,
      "answered",
      "close",
    ]);
    await closed;
    expect(await silent).toBe("");
  });

  test("gives a large answer whole to a client that reads it late", async () => {
    const { app, arrived, release } = gatedApp();
    const server = await started(app);
    const socket = await opened(server);
    socket.pause();
    socket.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    await arrived;
    const closed = server.close();
    const large = "x".repeat(20_000_000);
    release(large);
    const [answer] = await Promise.all([received(socket), closed]);
    expect(answer.endsWith(`\r\n\r\n${large}`)).toBe(true);
  });

  test("does not wait for connections that are silent or idle", async () => {
    const server = await started(gatedApp().app);
    const silent = await opened(server);
    const idle = await opened(server);
    idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(idle, "data");
    const ended = Promise.all([received(silent), received(idle)]);
    await server.close(30_000);
    expect(await ended).toEqual([expect.any(String), ""]);
  });

  test("cuts off what has no answer at the deadline, and says so", async () => {
    const { app, arrived } = gatedApp();
    const server = await started(app);
    const answer = fetch(`http://${host}:${server.port}/slow`).catch(() => "cut off");
    await arrived;
    await expect(server.close(10)).rejects.toThrow("requests cut off without an answer after 10 ms: 1");
    expect(await answer).toBe("cut off");
  });
});

describe("a client that is slow or silent", () => {
  test("is dropped when it sends nothing", async () => {
    const socket = await opened(await started(gatedApp().app, QUICK));
    expect(await received(socket)).toMatch(/^HTTP\/1.1 408 |^ECONNRESET$/);
  });

  test("is dropped when it sends its headers byte by byte", async () => {
    const socket = await opened(await started(gatedApp().app, QUICK));
    socket.write("GET / HTTP/1.1\r\nX-Drip: ");
    const drip = setInterval(() => socket.write("x"), 5);
    expect(await received(socket)).toMatch(/^HTTP\/1.1 408 |^ECONNRESET$/);
    clearInterval(drip);
  });

  test("is dropped when its body does not end, and is no error of the service", async () => {
    const { app, arrived, lines } = gatedApp();
    const socket = await opened(await started(app, PATIENT));
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    expect(await received(socket)).toMatch(/^HTTP\/1.1 408 |^ECONNRESET$/);
    await arrived;
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: "debug", msg: "the client hung up" }),
    ]);
  });

  test("is dropped when no byte passes while it waits", async () => {
    const { app, arrived } = gatedApp();
    const socket = await opened(await started(app, { timeout: 2_000 }));
    socket.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    await arrived;
    expect(await received(socket)).toBe("");
  });

  test("a thousand that send nothing take no answer from others, and are dropped", async () => {
    const server = await started(gatedApp().app, PATIENT);
    const silent = await Promise.all(Array.from({ length: 1_000 }, () => opened(server)));
    expect((await fetch(`http://${host}:${server.port}/`)).status).toBe(200);
    const ends = await Promise.all(silent.map(received));
    expect(ends.every((end) => /^HTTP\/1.1 408 |^ECONNRESET$/.test(end))).toBe(true);
  });

  test("finds no place when all connections are taken", async () => {
    const server = await started(gatedApp().app, { maxConnections: 1 });
    const first = await opened(server);
    expect(await received(await opened(server))).toMatch(/^$|^ECONNRESET$/);
    first.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await received(first)).toContain("200 OK");
  });
});
