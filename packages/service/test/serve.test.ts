import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { Hono } from "hono";
import { afterEach, describe, expect, test } from "vitest";
import { answerOptions, type ConnectionLimits, notFound, onError, type Server, serve } from "../src/index.ts";
import { testLogger } from "./fixtures/test-logger.ts";

const QUICK = { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 };
/** For requests that must arrive first, even on a busy machine. */
const PATIENT = { ...QUICK, headersTimeout: 2_000, requestTimeout: 2_000 };
const host = "127.0.0.1";
/** What a client receives that is disconnected for its slowness: an answer, unless the server's reset is faster. */
const DISCONNECTED = /^HTTP\/1.1 408 |^ECONNRESET$|^EPIPE$/;

/** An app whose `/slow` answers when it is released; `arrived` resolves at its first request. */
function gatedApp() {
  const gate = Promise.withResolvers<string>();
  const arrived = Promise.withResolvers<void>();
  const { log, lines } = testLogger("debug");
  const app = new Hono()
    .options("*", answerOptions("GET, POST"))
    .get("/", (c) => c.text("root"))
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

async function start(app: Hono, limits: Partial<ConnectionLimits> = {}): Promise<Server> {
  const result = await serve(app, { port: 0, host, limits });
  if (!result.ok) throw new Error(result.error);
  servers.push(result.value);
  return result.value;
}

async function open({ port }: Server): Promise<Socket> {
  const socket = connect({ port, host });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Returns all that a connection receives until it is closed, or the code of its error. */
function receive(socket: Socket): Promise<string> {
  return text(socket).catch((error: NodeJS.ErrnoException) => error.code ?? "error");
}

describe("serve", () => {
  test("listens on any free port if the port is 0", async () => {
    const { port } = await start(gatedApp().app);
    expect(await (await fetch(`http://${host}:${port}/`)).text()).toBe("root");
  });

  test("returns an error that names the port in use", async () => {
    const { port } = await start(gatedApp().app);
    expect(await serve(gatedApp().app, { port, host })).toEqual({
      ok: false,
      error: `Port ${port} is in use: stop what listens there, or set PORT to another.`,
    });
  });
});

describe("a load balancer's health check", () => {
  test.each([
    ["GET of HTTP/1.0 without a Host", "GET / HTTP/1.0\r\n\r\n", "200 OK"],
    ["GET with an empty Host", "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n", "200 OK"],
    ["HEAD of HTTP/1.0 without a Host", "HEAD / HTTP/1.0\r\n\r\n", "200 OK"],
    ["OPTIONS of HTTP/1.0 without a Host", "OPTIONS / HTTP/1.0\r\n\r\n", "204 No Content"],
    ["OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "204 No Content"],
    ["OPTIONS * of HTTP/1.0", "OPTIONS * HTTP/1.0\r\n\r\n", "204 No Content"],
  ])("by %s is answered", async (_check, request, status) => {
    const socket = await open(await start(gatedApp().app));
    socket.write(request);
    const answer = await receive(socket);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
    expect(/^allow: GET, POST, OPTIONS\r$/m.test(answer)).toBe(request.startsWith("OPTIONS"));
  });

  test("of HTTP/1.1 without a Host is a bad request", async () => {
    const socket = await open(await start(gatedApp().app));
    socket.write("GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    expect(await receive(socket)).toMatch(/^HTTP\/1.1 400 /);
  });
});

test("a connection is kept open for its next request for as long as it is set", async () => {
  const socket = await open(await start(gatedApp().app, { keepAliveTimeout: 600_000 }));
  const received = receive(socket);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  socket.end("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const answers = await received;
  expect(answers.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  expect(answers).toMatch(/^Keep-Alive: timeout=600\r$/m);
});

describe("close", () => {
  test("answers the request in flight, accepts no other, and closes every connection", async () => {
    const { app, arrived, release } = gatedApp();
    const server = await start(app);
    const url = `http://${host}:${server.port}`;
    const silent = receive(await open(server));
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

  test("sends a large answer completely to a client that reads late", async () => {
    const { app, arrived, release } = gatedApp();
    const server = await start(app);
    const socket = await open(server);
    socket.pause();
    socket.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    await arrived;
    const closed = server.close();
    const large = "x".repeat(20_000_000);
    release(large);
    const [answer] = await Promise.all([receive(socket), closed]);
    expect(answer.endsWith(`\r\n\r\n${large}`)).toBe(true);
  });

  test("does not wait for silent or idle connections", async () => {
    const server = await start(gatedApp().app);
    const silent = await open(server);
    const idle = await open(server);
    idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(idle, "data");
    const ended = Promise.all([receive(silent), receive(idle)]);
    await server.close(30_000);
    expect(await ended).toEqual([expect.any(String), ""]);
  });

  test("cuts off unanswered requests after the timeout, and rejects", async () => {
    const { app, arrived } = gatedApp();
    const server = await start(app);
    const answer = fetch(`http://${host}:${server.port}/slow`).catch(() => "cut off");
    await arrived;
    await expect(server.close(10)).rejects.toThrow("requests cut off without an answer after 10 ms: 1");
    expect(await answer).toBe("cut off");
  });
});

describe("a slow or silent client", () => {
  test("is disconnected if it sends nothing", async () => {
    const socket = await open(await start(gatedApp().app, QUICK));
    expect(await receive(socket)).toMatch(DISCONNECTED);
  });

  test("is disconnected if it sends its headers byte by byte", async () => {
    const socket = await open(await start(gatedApp().app, QUICK));
    socket.write("GET / HTTP/1.1\r\nX-Drip: ");
    const drip = setInterval(() => socket.write("x"), 5);
    expect(await receive(socket)).toMatch(DISCONNECTED);
    clearInterval(drip);
  });

  test("is disconnected if its body does not end, which is not logged as an error", async () => {
    const { app, arrived, lines } = gatedApp();
    const socket = await open(await start(app, PATIENT));
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    expect(await receive(socket)).toMatch(DISCONNECTED);
    await arrived;
    expect(lines()).toMatchObject([{ level: "debug", code: "client-disconnected" }]);
  });

  test("is disconnected if no byte passes while it waits", async () => {
    const { app, arrived } = gatedApp();
    const socket = await open(await start(app, { timeout: 2_000 }));
    socket.write("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    await arrived;
    expect(await receive(socket)).toBe("");
  });

  test("does not delay others: a thousand that send nothing are disconnected", async () => {
    const server = await start(gatedApp().app, PATIENT);
    const silent = await Promise.all(Array.from({ length: 1_000 }, () => open(server)));
    expect((await fetch(`http://${host}:${server.port}/`)).status).toBe(200);
    const ends = await Promise.all(silent.map(receive));
    expect(ends.every((end) => DISCONNECTED.test(end))).toBe(true);
  });

  test("is rejected while all connections are in use", async () => {
    const server = await start(gatedApp().app, { maxConnections: 1 });
    const first = await open(server);
    expect(await receive(await open(server))).toMatch(/^$|^ECONNRESET$/);
    first.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect(await receive(first)).toContain("200 OK");
  });
});
