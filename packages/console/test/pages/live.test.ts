import type { IncomingMessage } from "node:http";
import { serve } from "@dossier/service";
import { waitFor } from "@dossier/testing";
import { Hono } from "hono";
import { expect, test, type TestContext } from "vitest";
import type { PageEnv } from "../../src/pages/page.ts";
import { liveParts } from "../../src/pages/worklist/live.ts";
import { startTestConsole, TOKEN } from "../harness.ts";
import { responseTo, send } from "../http.ts";
import { openBrowser } from "./browser.ts";

const EVENTS = "/worklist/events";

interface Event {
  readonly event: string;
  readonly data: Record<string, string>;
}

/** Opens a stream of events, and notes them as they come. */
async function follow(context: TestContext, port: number, cookie = "") {
  const sent = send(port, EVENTS, { headers: { accept: "text/event-stream", cookie } });
  const response = await responseTo(sent);
  context.onTestFinished(() => void sent.destroy());
  const events: Event[] = [];
  let text = "";
  const stream = { response, events, hasEnded: false, close: () => sent.destroy() };
  response.setEncoding("utf8").on("error", () => undefined);
  response.on("end", () => (stream.hasEnded = true));
  response.on("data", (chunk: string) => {
    const blocks = (text += chunk).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const [, event = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(block) ?? [];
      events.push({ event, data: JSON.parse(data) });
    }
  });
  return stream;
}

/** Serves parts that `next` gives. Its first reader makes it read. */
async function serveParts(context: TestContext, next: (read: number) => Record<string, string> | Error) {
  const shutdown = new AbortController();
  const state = { reads: 0, running: 0, mostRunning: 0, isIn: true, errors: [] as unknown[] };
  const handler = liveParts({
    async read() {
      const parts = next(++state.reads);
      state.mostRunning = Math.max(state.mostRunning, ++state.running);
      // As long as a read of Postgres takes: those that others begin meanwhile run beside it.
      await new Promise((resolve) => setTimeout(resolve, 20));
      state.running--;
      if (parts instanceof Error) throw parts;
      return parts;
    },
    onError: (error) => state.errors.push(error),
    isSignedIn: async () => state.isIn,
    shutdownSignal: shutdown.signal,
    readEveryMs: 20,
  });
  const server = await serve(new Hono<PageEnv>().get(EVENTS, handler), { port: 0, host: "127.0.0.1" });
  if (!server.ok) throw new Error(server.error);
  context.onTestFinished(() => server.value.close());
  context.onTestFinished(() => shutdown.abort());
  return { state, port: server.value.port, shutdown };
}

test("all readers share one read, and without readers nothing is read", async (context) => {
  const { state, port } = await serveParts(context, (n) => ({ count: String(n), still: "same" }));
  expect(state.reads).toBe(0);
  const streams = await Promise.all(Array.from({ length: 20 }, () => follow(context, port)));
  await waitFor(() => streams.every(({ events }) => events.length >= 3));
  expect(state.mostRunning).toBe(1);
  for (const { close } of streams) close();
  let before = -1;
  await waitFor(async () => {
    const isStill = state.reads === before;
    before = state.reads;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isStill;
  });
});

test("a reader gets all parts first, and later those alone that have changed", async (context) => {
  const { port } = await serveParts(context, (n) => ({ count: String(n), still: "same" }));
  const { events } = await follow(context, port);
  await waitFor(() => events.length >= 3);
  expect(Object.keys(events[0]!.data)).toEqual(["count", "still"]);
  for (const { event, data } of events.slice(1))
    expect([event, Object.keys(data)]).toEqual(["parts", ["count"]]);
});

test("a reader that takes nothing holds one event, and then gets the newest", async (context) => {
  const { state, port } = await serveParts(context, (n) => ({ part: `${n} ${"x".repeat(200_000)}` }));
  const sent = send(port, EVENTS);
  context.onTestFinished(() => void sent.destroy());
  const response: IncomingMessage = await responseTo(sent);
  // Nobody reads: the buffers of both ends fill, and the stream waits.
  await waitFor(() => state.reads > 60);
  const read = state.reads;
  const numbers: number[] = [];
  response.setEncoding("utf8").on("data", (chunk: string) => {
    for (const [, number] of chunk.matchAll(/"part":"(\d+) /g)) numbers.push(Number(number));
  });
  await waitFor(() => (numbers.at(-1) ?? 0) > read);
  expect(numbers.filter((number) => number <= read).length).toBeLessThan(read - 10);
});

test("a failed read is said, reported and followed by the next; a shutdown ends the streams", async (context) => {
  const { state, port, shutdown } = await serveParts(context, (n) =>
    n === 2 ? new Error("gone") : { n: `${n}` },
  );
  const stream = await follow(context, port);
  await waitFor(() => stream.events.length >= 3);
  expect(stream.events.slice(0, 3).map(({ event }) => event)).toEqual(["parts", "unavailable", "parts"]);
  expect(state.errors).toMatchObject([{ message: "gone" }]);
  shutdown.abort();
  await waitFor(() => stream.hasEnded);
});

test("the worklist changes while it is open, and says when the session has ended", async (context) => {
  const console = await startTestConsole(context);
  const browser = openBrowser(console);
  await browser.signIn(TOKEN);
  expect((await browser.get("/")).text).toContain(`data-events="${EVENTS}"`);
  const { response, events } = await follow(context, console.port, browser.cookie);
  expect(response.headers).toMatchObject({
    "content-type": "text/event-stream",
    "cache-control": "no-store",
  });
  await waitFor(() => events.length > 0);
  expect(events[0]!.data["decisions"]).toContain("No webhook has arrived yet");
  await console.recordAndSettle("not JSON");
  await waitFor(() => events.some(({ data }) => data["decisions"]?.includes("Dead letters: unparsable")));
  await browser.post("/sign-out");
  await waitFor(() => events.at(-1)?.event === "signed-out");
});

test("without a session there is no stream", async (context) => {
  const { port } = await startTestConsole(context);
  const { response } = await follow(context, port);
  expect(response.statusCode).toBe(401);
});
