import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { desk, event, sharedDesk, type Desk } from "./desk.ts";
import { begun } from "./http.ts";

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => event(`p-${from + n}`, { id: String(from + n) }));

describe("pages", () => {
  const shared = sharedDesk(async ({ take }) => {
    await take(...numbered(1, 3));
    await take(event("p-1", { id: "1", at: "2025-12-31T23:59:59.9999999Z" }));
    await take(...numbered(4, 7));
  });

  test("hold every change in the order of commits, resumable from any position", async () => {
    const { json: all } = await shared().get("/changes");
    expect(all.items.map(({ position }: { position: number }) => position)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(all.next).toBe(8);
    expect(all.items[0]).toEqual({
      kind: "event",
      position: 1,
      entityId: "p-1",
      event: "NaturalPersonPending",
      id: "1",
      creationTimeUtc: "2026-01-01T00:00:00.0000000Z",
      receivedAt: expect.stringMatching(/\.\d{7}Z$/),
      deliveryId: expect.any(String),
      data: expect.objectContaining({ entityId: "p-1" }),
    });
    expect(all.items[3]).toMatchObject({
      kind: "earlier-time",
      entityId: "p-1",
      creationTimeUtc: "2025-12-31T23:59:59.9999999Z",
    });
    for (let after = 0; after <= 9; after++) {
      const { json } = await shared().get(`/changes?after=${after}&limit=2`);
      expect(json.items).toEqual(all.items.slice(after, after + 2));
      expect(json.next).toBe(json.items.at(-1)?.position ?? after);
    }
  });

  test("refuse what is no position, no limit or no wait, all at once", async () => {
    const { status, json } = await shared().get("/changes?after=-1&limit=501&wait=61&from=3");
    expect([
      status,
      json.errors.map(({ name, message }: { name: string; message: string }) => `${name} ${message}`),
    ]).toEqual([
      400,
      [
        "after must be 0 or more",
        "limit must be 500 or less",
        "wait must be 60 or less",
        "from is not known here",
      ],
    ]);
    for (const after of ["1.5", "x", "9007199254740993", "1e30", "NaN", "0x10", "1e2", "%20"])
      expect([after, (await shared().get(`/changes?after=${after}`)).status]).toEqual([after, 400]);
    for (const wait of ["0x1", "1e0", "%20", "."])
      expect([wait, (await shared().get(`/changes?wait=${wait}`)).status]).toEqual([wait, 400]);
  });
});

describe("a page that waits", () => {
  test("comes as soon as something is committed", async (context) => {
    const { get, take } = await desk(context);
    const waiting = Promise.all([
      get("/changes?wait=60"),
      get("/changes?wait=60"),
      get("/changes?after=1&wait=60"),
    ]);
    await take(event("first"));
    await take(event("second"));
    const [one, other, later] = await waiting;
    expect(one.json.items[0]).toMatchObject({ position: 1, entityId: "first" });
    expect(other.json.items[0]).toMatchObject({ position: 1, entityId: "first" });
    expect(later.json).toMatchObject({ items: [{ position: 2, entityId: "second" }], next: 2 });
  });

  test("does not wait where there is something already", async (context) => {
    const { get, take, close } = await desk(context);
    await take(event("first"));
    expect((await get("/changes?wait=60")).json.items).toHaveLength(1);
    await close();
  });

  test("is empty when the wait is over, and goes on from where it was", async (context) => {
    const { get } = await desk(context);
    expect((await get("/changes?wait=0.1")).json).toEqual({ items: [], next: 0 });
    expect((await get("/changes?after=7&wait=0.1")).json).toEqual({ items: [], next: 7 });
  });

  test("is sent away at once when the console shuts down", async (context) => {
    const { get, sent, close } = await desk(context);
    const waiting = Array.from({ length: 20 }, () => get("/changes?wait=60"));
    const stream = await begun(sent("/changes", { accept: "text/event-stream" }));
    // All are known to have come when one that came after them is answered.
    await get("/changes");
    const over = Promise.all([...waiting, once(stream.resume(), "end")]);
    await close();
    const answers = (await over).slice(0, 20) as Awaited<ReturnType<Desk["get"]>>[];
    expect(answers.map(({ status, json }) => [status, json])).toEqual(
      answers.map(() => [200, { items: [], next: 0 }]),
    );
    expect(stream.complete).toBe(true);
  });
});

/** Reads Server-Sent Events as a client does, one by one. */
function reader(stream: IncomingMessage) {
  async function* events(): AsyncGenerator<Record<string, string>, never> {
    let buffered = "";
    for await (const text of stream.setEncoding("utf8") as AsyncIterable<string>) {
      const whole = (buffered + text).split("\n\n");
      buffered = whole.pop() ?? "";
      for (const one of whole)
        yield Object.fromEntries(
          one.split("\n").map((line) => [line.split(":")[0], line.slice(line.indexOf(": ") + 2)]),
        );
    }
    throw new Error("the stream has ended");
  }
  const told = events();
  return { next: async () => (await told.next()).value };
}

describe("a stream", () => {
  const follow = async ({ sent }: Desk, query = "", headers = {}) => {
    const stream = await begun(sent(`/changes${query}`, { accept: "text/event-stream", ...headers }));
    return { stream, ...reader(stream) };
  };

  test("holds what there is and then what comes, with positions as ids", async (context) => {
    const console = await desk(context);
    await console.take(...numbered(1, 3));
    const { stream, next } = await follow(console, "?limit=2");
    expect([stream.statusCode, stream.headers["content-type"], stream.headers["cache-control"]]).toEqual([
      200,
      "text/event-stream",
      "no-store",
    ]);
    const { json } = await console.get("/changes");
    for (const change of json.items) {
      const { id, event, data } = await next();
      expect([id, event, JSON.parse(data ?? "")]).toEqual([String(change.position), "change", change]);
    }
    await console.take(...numbered(4, 4));
    expect(await next()).toMatchObject({ id: "4" });
    await console.take(...numbered(5, 5));
    expect(await next()).toMatchObject({ id: "5" });
  });

  test("resumes from Last-Event-ID, which counts more than `after`", async (context) => {
    const console = await desk(context);
    await console.take(...numbered(1, 4));
    const { next } = await follow(console, "?after=1", { "last-event-id": "3" });
    expect(await next()).toMatchObject({ id: "4" });
    expect(await (await follow(console, "?after=1")).next()).toMatchObject({ id: "2" });
    const { status, json } = await console.get("/changes", {
      accept: "text/event-stream",
      "last-event-id": "x",
    });
    expect([status, json.errors]).toEqual([
      400,
      [
        {
          in: "header",
          name: "last-event-id",
          message: "must be a position: a whole number, 0 for the beginning",
        },
      ],
    ]);
  });

  test("says while nothing happens that it is alive", async (context) => {
    const console = await desk(context, {}, { heartbeatSeconds: 0.01 });
    const { next } = await follow(console);
    expect([await next(), await next()]).toEqual([{ "": "alive" }, { "": "alive" }]);
    await console.take(event("first"));
    let told = await next();
    while (!("id" in told)) told = await next();
    expect(told).toMatchObject({ id: "1" });
  });

  test("asks Postgres for no more while its client takes nothing, and then goes on", async (context) => {
    const console = await desk(context);
    // More than the buffers of both sides' sockets hold.
    const CHANGES = 24;
    for (let n = 0; n < CHANGES; n++)
      await console.take(event(`big-${n}`, { data: { message: "x".repeat(700_000) } }));
    const stream = await begun(console.sent("/changes?limit=1", { accept: "text/event-stream" }));
    await stoppedAsking(console);

    const { next } = reader(stream);
    for (let n = 1; n <= CHANGES; n++) expect(await next()).toMatchObject({ id: String(n) });
  });
});

/** Resolves once the console has sent Postgres nothing for a second: a stream that goes on asks four times in one. */
async function stoppedAsking({ pool }: Desk): Promise<void> {
  await expect
    .poll(
      async () => {
        const { rows } = await pool.query<{ silent: boolean }>(
          `select max(query_start) < clock_timestamp() - interval '1 second' as silent
           from pg_stat_activity where application_name = 'dossier-console' and datname = current_database()`,
        );
        return rows[0]?.silent;
      },
      { interval: 100 },
    )
    .toBe(true);
}

describe("clients that go away", () => {
  // No heartbeat comes to find them gone.
  const shared = sharedDesk(undefined, { heartbeatSeconds: 3_600 });
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === "Timeout").length;

  test.each([
    ["a page that waits", "/changes?wait=60", {}],
    ["a stream", "/changes", { accept: "text/event-stream" }],
  ])("leave nothing of %s behind: no timer, no question to Postgres", async (_name, path, headers) => {
    const console = shared();
    const before = timers();
    const asked = Array.from({ length: 20 }, () => console.sent(path, headers));
    for (const one of asked) one.on("error", () => undefined);
    await expect.poll(timers).toBeGreaterThan(before + 15);
    for (const one of asked) one.destroy();
    await expect.poll(timers).toBeLessThanOrEqual(before + 2);
    expect(console.lines().filter(({ level }) => level === "error")).toEqual([]);
  });

  test("after answers have come, nothing of them is left either", async (context) => {
    const { get, take, lines } = await desk(context);
    const before = timers();
    const waiting = Array.from({ length: 20 }, () => get("/changes?wait=60"));
    await expect.poll(timers).toBeGreaterThan(before + 15);
    await take(event("first"));
    await Promise.all(waiting);
    await expect.poll(timers).toBeLessThanOrEqual(before + 2);
    expect(lines().filter(({ level }) => level === "error")).toEqual([]);
  });
});
