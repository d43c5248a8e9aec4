import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { eventBody } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { describe, expect, test } from "vitest";
import { startTestConsole, useConsole, type TestConsole } from "./harness.ts";
import { responseTo } from "./http.ts";

const startsWith = (text: string) =>
  expect.stringMatching(new RegExp(`^${text.replace(".", String.raw`\.`)}`));

/** Returns events of persons `p-<from>` to `p-<to>`. */
function eventBodies(from: number, to: number): Buffer[] {
  return Array.from({ length: to - from + 1 }, (_, n) =>
    eventBody(`p-${from + n}`, { id: String(from + n), creationTimeUtc: "2026-01-01T00:00:00.0000000Z" }),
  );
}

describe("pages", () => {
  const shared = useConsole(async ({ recordAndSettle }) => {
    await recordAndSettle(...eventBodies(1, 3));
    await recordAndSettle(eventBody("p-1", { id: "1", creationTimeUtc: "2025-12-31T23:59:59.9999999Z" }));
    await recordAndSettle(...eventBodies(4, 7));
  });

  test("hold every change in commit order", async () => {
    const { json } = await shared().get("/changes");
    expect(json.items.map(({ position }: { position: number }) => position)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8,
    ]);
    expect(json.next).toBe(json.items.at(-1).cursor);
  });

  test("show a new event whole, and an earlier time of a known event", async () => {
    const { items } = (await shared().get("/changes")).json;
    expect(items[0]).toEqual({
      kind: "event",
      position: 1,
      cursor: expect.stringMatching(/^1\.[\w-]{11}$/),
      entityId: "p-1",
      status: "pending",
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000000Z",
      receivedAt: expect.stringMatching(/\.\d{7}Z$/),
      deliveryId: expect.any(String),
      data: expect.objectContaining({ entityId: "p-1" }),
    });
    expect(items[3]).toMatchObject({
      kind: "earlier-time",
      entityId: "p-1",
      creationTimeUtc: "2025-12-31T23:59:59.9999999Z",
    });
  });

  test("continue from any change, and from the beginning", async () => {
    const { json: all } = await shared().get("/changes");
    for (let start = 0; start <= 8; start++) {
      const after = all.items[start - 1]?.cursor ?? "0";
      const { json } = await shared().get(`/changes?after=${after}&limit=2`);
      expect(json.items).toEqual(all.items.slice(start, start + 2));
      expect(json.next).toBe(json.items.at(-1)?.cursor ?? after);
    }
    expect((await shared().get("/changes?after=")).json).toEqual(all);
  });

  test("are filtered by person, type and status, and next is the last change looked at", async () => {
    const { json: all } = await shared().get("/changes");
    const { json } = await shared().get("/changes?entityId=p-1&event=NaturalPersonPending&status=pending");
    expect(json.items.map(({ position }: { position: number }) => position)).toEqual([1, 4]);
    expect(json.next).toBe(all.next);
    expect((await shared().get("/changes?status=approved")).json).toEqual({ items: [], next: all.next });
  });

  test.each(["99.AAAAAAAAAAA", "8.AAAAAAAAAAA"])(
    "are answered 410 after=%s, which this feed does not have",
    async (cursor) => {
      const stream = { accept: "text/event-stream" };
      for (const answer of [
        await shared().get(`/changes?after=${cursor}&wait=55`),
        await shared().get(`/changes?after=${cursor}`, stream),
        await shared().get("/changes", { ...stream, "last-event-id": cursor }),
      ]) {
        expect([answer.status, answer.json.code]).toEqual([410, "position-unknown"]);
      }
    },
  );

  test("are refused with every error of the request at once", async () => {
    const { status, json } = await shared().get("/changes?after=x&limit=501&wait=56&from=3");
    expect([status, json.errors]).toEqual([
      400,
      [
        { in: "query", name: "after", message: "is not a cursor of this feed" },
        { in: "query", name: "limit", message: "must be 500 or less" },
        { in: "query", name: "wait", message: "must be 55 or less" },
        { in: "query", name: "from", message: "is not known" },
      ],
    ]);
  });

  test.each(["1", "-1", "1.5", "x", "1.AAAAAAAAAA", "01.AAAAAAAAAAA", "0.AAAAAAAAAAA", "%20"])(
    "are refused after=%s",
    async (after) => {
      expect((await shared().get(`/changes?after=${after}`)).status).toBe(400);
    },
  );

  test.each(["0x1", "1e0", "%20", "."])("are refused wait=%s", async (wait) => {
    expect((await shared().get(`/changes?wait=${wait}`)).status).toBe(400);
  });
});

describe("a page that waits", () => {
  test("comes as soon as a change is committed", async (context) => {
    const { get, recordAndSettle } = await startTestConsole(context);
    const waiting = Promise.all([
      get("/changes?wait=55"),
      get("/changes?wait=55"),
      get("/changes?entityId=second&wait=55"),
    ]);
    await recordAndSettle(eventBody("first"));
    await recordAndSettle(eventBody("second"));
    const [one, other, filtered] = await waiting;
    expect(one.json.items[0]).toMatchObject({ position: 1, entityId: "first" });
    expect(other.json.items[0]).toMatchObject({ position: 1, entityId: "first" });
    expect(filtered.json).toMatchObject({ items: [{ position: 2, entityId: "second" }] });
  });

  test("comes at once if there is a change already", async (context) => {
    const { get, recordAndSettle } = await startTestConsole(context);
    await recordAndSettle(eventBody("first"));
    expect((await get("/changes?wait=55")).json.items).toHaveLength(1);
  });

  test("is empty when the time is over, and continues from the same position", async (context) => {
    const { get } = await startTestConsole(context);
    expect((await get("/changes?wait=0.1")).json).toEqual({ items: [], next: "0" });
    expect((await get("/changes?after=0&wait=0.1")).json).toEqual({ items: [], next: "0" });
  });

  test("is answered empty when the console shuts down, and a stream ends", async (context) => {
    const { get, send, close } = await startTestConsole(context);
    const waiting = Array.from({ length: 20 }, () => get("/changes?wait=55"));
    const stream = await responseTo(send("/changes", { accept: "text/event-stream" }));
    // A request that is sent after them and answered shows that they have arrived.
    await get("/changes");
    const answers = Promise.all(waiting);
    const ended = once(stream.resume(), "end");
    await close();
    for (const { status, json } of await answers) {
      expect([status, json]).toEqual([200, { items: [], next: "0" }]);
    }
    await ended;
    expect(stream.complete).toBe(true);
  });
});

/** Reads Server-Sent Events one by one, as a client does. */
function readEvents(stream: IncomingMessage) {
  async function* parse(): AsyncGenerator<Record<string, string>, never> {
    let buffered = "";
    for await (const text of stream.setEncoding("utf8") as AsyncIterable<string>) {
      const events = (buffered + text).split("\n\n");
      buffered = events.pop() ?? "";
      for (const event of events) {
        yield Object.fromEntries(
          event.split("\n").map((line) => [line.split(":")[0], line.slice(line.indexOf(": ") + 2)]),
        );
      }
    }
    throw new Error("the stream has ended");
  }
  const events = parse();
  return { next: async () => (await events.next()).value };
}

async function openStream({ send }: TestConsole, query = "", headers: Record<string, string> = {}) {
  const stream = await responseTo(send(`/changes${query}`, { accept: "text/event-stream", ...headers }));
  return { stream, ...readEvents(stream) };
}

describe("a stream", () => {
  test("sends the changes so far and then each new one, with cursors as ids", async (context) => {
    const console = await startTestConsole(context);
    await console.recordAndSettle(...eventBodies(1, 3));
    const { stream, next } = await openStream(console, "?limit=2");
    expect([stream.statusCode, stream.headers["content-type"], stream.headers["cache-control"]]).toEqual([
      200,
      "text/event-stream",
      "no-store",
    ]);
    const { json } = await console.get("/changes");
    for (const change of json.items) {
      const { id, event, data } = await next();
      expect([id, event, JSON.parse(data ?? "")]).toEqual([change.cursor, "change", change]);
    }
    await console.recordAndSettle(...eventBodies(4, 4));
    expect(await next()).toMatchObject({ id: startsWith("4.") });
    await console.recordAndSettle(...eventBodies(5, 5));
    expect(await next()).toMatchObject({ id: startsWith("5.") });
  });

  test("resumes from `after`, or from Last-Event-ID if both are given", async (context) => {
    const console = await startTestConsole(context);
    await console.recordAndSettle(...eventBodies(1, 4));
    const [one, , three] = (await console.get("/changes")).json.items;
    const query = `?after=${one.cursor}`;
    const resumed = await openStream(console, query, { "last-event-id": three.cursor });
    expect(await resumed.next()).toMatchObject({ id: startsWith("4.") });
    expect(await (await openStream(console, query)).next()).toMatchObject({ id: startsWith("2.") });
  });

  test("begins at the beginning with an empty Last-Event-ID", async (context) => {
    const console = await startTestConsole(context);
    await console.recordAndSettle(...eventBodies(1, 2));
    const { next } = (await console.get("/changes")).json;
    const stream = await openStream(console, `?after=${next}`, { "last-event-id": "" });
    expect(await stream.next()).toMatchObject({ id: startsWith("1.") });
  });

  test("is refused with a Last-Event-ID that is not a cursor", async (context) => {
    const { get } = await startTestConsole(context);
    const { status, json } = await get("/changes", { accept: "text/event-stream", "last-event-id": "x" });
    const message = "is not a cursor of this feed";
    expect([status, json.errors]).toEqual([400, [{ in: "header", name: "last-event-id", message }]]);
  });

  test("sends comments while there is no change", async (context) => {
    const console = await startTestConsole(context, { heartbeatSeconds: 0.01 });
    const { next } = await openStream(console);
    expect([await next(), await next()]).toEqual([{ "": "alive" }, { "": "alive" }]);
    await console.recordAndSettle(eventBody("first"));
    let event = await next();
    while (!("id" in event)) event = await next();
    expect(event).toMatchObject({ id: startsWith("1.") });
  });

  test("stops asking Postgres while its client reads nothing, and then continues", async (context) => {
    const console = await startTestConsole(context);
    // More bytes than the buffers of both sockets hold.
    const CHANGES = 24;
    const data = { message: "x".repeat(700_000) };
    await console.recordAndSettle(
      ...Array.from({ length: CHANGES }, (_, n) => eventBody(`big-${n}`, { data })),
    );
    const stream = await responseTo(console.send("/changes?limit=1", { accept: "text/event-stream" }));
    await silenceTowardsPostgres(console);

    const { next } = readEvents(stream);
    for (let n = 1; n <= CHANGES; n++) expect(await next()).toMatchObject({ id: startsWith(`${n}.`) });
  });
});

test("as many streams as memory allows are served, and another one once one of them has ended", async (context) => {
  const console = await startTestConsole(context);
  const open = () => console.send("/changes", { accept: "text/event-stream" });
  const streams = Array.from({ length: 100 }, open);
  await Promise.all(streams.map(responseTo));
  const refused = await responseTo(open());
  expect([refused.statusCode, refused.headers["retry-after"]]).toEqual([503, "30"]);
  expect(await json(refused)).toMatchObject({ code: "too-many-streams" });
  expect((await console.get("/changes")).status).toBe(200);
  streams[0]?.on("error", () => undefined).destroy();
  await waitFor(async () => (await responseTo(open())).statusCode === 200);
});

/** Resolves once the console has sent Postgres nothing for a second; a stream that goes on asks four times in one. */
async function silenceTowardsPostgres({ pool }: TestConsole): Promise<void> {
  await waitFor(async () => {
    const { rows } = await pool.query<{ silent: boolean }>(
      `select max(query_start) < clock_timestamp() - interval '1 second' as silent
       from pg_stat_activity where application_name = 'dossier-console' and datname = current_database()`,
    );
    return rows[0]?.silent;
  });
}

describe("clients that disconnect", () => {
  // No heartbeat notices that they are gone.
  const shared = useConsole(undefined, { heartbeatSeconds: 3_600 });

  test.each([
    ["a page that waits", "/changes?wait=55", {}],
    ["a stream", "/changes", { accept: "text/event-stream" }],
  ])("leave no timer of %s behind", async (_name, path, headers) => {
    const { send, logLines } = shared();
    const before = await countTimersOf(shared());
    const until = beforeWaitsEnd();
    const requests = Array.from({ length: 20 }, () => send(path, headers));
    for (const request of requests) request.on("error", () => undefined);
    await waitFor(countTimers, (timers) => timers > before + 10);
    for (const request of requests) request.destroy();
    await waitFor(countTimers, (timers) => timers <= before + 2, until);
    expect(logLines().filter(({ level }) => level === "error")).toEqual([]);
  });
});

test("pages that waited and were answered leave no timer behind", async (context) => {
  const console = await startTestConsole(context);
  const { get, recordAndSettle, logLines } = console;
  const before = await countTimersOf(console);
  const until = beforeWaitsEnd();
  const waiting = Array.from({ length: 20 }, () => get("/changes?wait=55"));
  await waitFor(countTimers, (timers) => timers > before + 10);
  await recordAndSettle(eventBody("first"));
  await Promise.all(waiting);
  await waitFor(countTimers, (timers) => timers <= before + 2, until);
  expect(logLines().filter(({ level }) => level === "error")).toEqual([]);
});

/** When timers that are left behind are still there: 10 s before a wait of 55 s that begins now is over. */
function beforeWaitsEnd(): number {
  return Date.now() + 45_000;
}

function countTimers(): number {
  return process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;
}

/** Counts timers after all connections of the pool are open: each idle connection has a timer of its own for 10 s. */
async function countTimersOf({ get }: TestConsole): Promise<number> {
  await Promise.all(Array.from({ length: 20 }, () => get("/changes")));
  return countTimers();
}
