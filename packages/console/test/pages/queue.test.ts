import { consume, openQueue, type QueueLocation } from "@dossier/queue";
import { serve } from "@dossier/service";
import { freshRedis, needs, startRedisCluster, waitFor, type RedisCluster } from "@dossier/testing";
import { Hono } from "hono";
import { bearerAuth } from "hono/bearer-auth";
import { afterAll, describe, expect, test, type TestContext } from "vitest";
import { createBoard } from "../../src/pages/queue/board.ts";
import { createDatabase, startTestConsole, TOKEN } from "../harness.ts";
import { exchange } from "../http.ts";
import { openBrowser } from "./browser.ts";

const DELIVERY = "0190a5c8-7e2f-7000-8000-000000000001";
const BEARER = { authorization: "Bearer token" };

let cluster: Promise<RedisCluster> | undefined;
afterAll(async () => (await cluster)?.stop());

const LOCATIONS: Record<string, (context: TestContext) => Promise<QueueLocation>> = {
  Redis: async (context) => ({
    redisUrl: await freshRedis(context),
    installationId: async () => "test",
  }),
  async "a cluster of Redis"(context) {
    needs(context, "redisServer");
    const { url } = await (cluster ??= startRedisCluster({ masters: 3 }));
    const id = context.task.id;
    return { redisUrl: url, installationId: async () => id };
  },
  Postgres: async (context) => ({ databaseUrl: await createDatabase(context) }),
};

describe.each(Object.keys(LOCATIONS))("bull-board over a queue on %s", (name) => {
  /** Serves bull-board behind authentication, over a queue with the failed job of a dead letter. */
  async function serveBullBoard(context: TestContext) {
    const location = (await LOCATIONS[name]?.(context)) as QueueLocation;
    const queue = openQueue(location, { name: "test", timeoutMs: 20_000, onError: () => undefined });
    context.onTestFinished(() => queue.close());
    await queue.enqueueSingle(DELIVERY);
    const consumer = consume(location, async () => ({ kind: "failed", error: "unparsable" }), {
      name: "test",
      concurrency: 1,
      isRetryable: () => false,
      onHandlerError: () => undefined,
      onError: () => undefined,
    });
    await waitFor(
      () => queue.counts(),
      ({ failed }) => failed === 1,
    );
    await consumer.close(10_000);
    const app = new Hono()
      .use(bearerAuth({ token: "token" }))
      .route("/", createBoard(await queue.bullmq(), "/queue"));
    const server = await serve(app, { port: 0, host: "127.0.0.1" });
    if (!server.ok) throw new Error(server.error);
    context.onTestFinished(() => server.value.close());
    const request = (path: string, method = "GET", headers: Record<string, string> = BEARER, body?: string) =>
      exchange(server.value.port, path, {
        method,
        headers: { ...headers, "content-type": "application/json" },
        ...(body !== undefined && { body }),
      });
    return { request, queue };
  }

  test("shows the failed job of a dead letter, with ids only", async (context) => {
    const { request } = await serveBullBoard(context);
    const { status, json } = await request(
      "/queue/api/queues?activeQueue=deliveries&status=failed&page=1&jobsPerPage=10",
    );
    expect(status).toBe(200);
    const [queue] = json.queues;
    expect(queue).toMatchObject({ name: "deliveries", readOnlyMode: true, counts: { failed: 1 } });
    expect(queue.jobs).toMatchObject([
      {
        id: `delivery-${DELIVERY}`,
        name: "single",
        data: { deliveryIds: [DELIVERY] },
        failedReason: "unparsable",
      },
    ]);
    const job = await request(`/queue/api/queues/deliveries/delivery-${DELIVERY}`);
    expect([job.status, job.json.status]).toEqual([200, "failed"]);
  });

  test("loads its page and all its files from the console only", async (context) => {
    const { request } = await serveBullBoard(context);
    const { status, headers, text } = await request("/queue");
    expect([status, headers["content-type"]]).toEqual([200, expect.stringMatching(/^text\/html/)]);
    const policy = String(headers["content-security-policy"]);
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toContain("http");
    expect(text).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    const files = [...text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      const { status, text } = await request(`/queue/${file}`);
      expect([file, status, text.length > 0]).toEqual([file, 200, true]);
    }
  });

  test("refuses every request that would change the queue", async (context) => {
    const { request, queue } = await serveBullBoard(context);
    const job = `/delivery-${DELIVERY}`;
    for (const [method, path] of [
      ["PUT", "/retry/failed"],
      ["PUT", `${job}/retry`],
      ["PUT", `${job}/clean`],
      ["PUT", "/clean/failed"],
      ["PUT", "/pause"],
      ["PUT", "/empty"],
      ["PUT", "/obliterate"],
      ["POST", "/add"],
      ["PATCH", `${job}/update-data`],
    ] as const) {
      const { status } = await request(
        `/queue/api/queues/deliveries${path}`,
        method,
        BEARER,
        '{"jobData":{}}',
      );
      expect([method, path, status]).toEqual([method, path, 405]);
    }
    expect(await queue.counts()).toMatchObject({ failed: 1, waiting: 0, delayed: 0 });
    expect(await (await queue.bullmq()).isPaused()).toBe(false);
  });

  test("is reached only through the authentication before it", async (context) => {
    const { request } = await serveBullBoard(context);
    for (const path of ["/queue", "/queue/api/queues", "/queue/static/favicon.ico"])
      expect((await request(path, "GET", {})).status).toBe(401);
  });
});

test("the queue's page and bull-board need a session, show ids alone, and change nothing", async (context) => {
  const console = await startTestConsole(context);
  const browser = openBrowser(console);
  expect((await browser.get("/queue")).headers.location).toBe("/sign-in?next=%2Fqueue");
  expect((await browser.get("/queue/board")).headers.location).toBe("/sign-in?next=%2Fqueue%2Fboard");
  expect((await browser.get("/queue/board/api/queues")).status).toBe(401);
  const queue = openQueue(
    { databaseUrl: console.url },
    { name: "test", timeoutMs: 20_000, onError: () => undefined },
  );
  context.onTestFinished(() => queue.close());
  await queue.enqueueSingle(DELIVERY);
  const handle = async () => ({ kind: "failed" as const, error: "unparsable: not JSON" });
  const consumer = consume({ databaseUrl: console.url }, handle, {
    name: "test",
    concurrency: 1,
    isRetryable: () => false,
    onHandlerError: () => undefined,
    onError: () => undefined,
  });
  await waitFor(
    () => queue.counts(),
    ({ failed }) => failed === 1,
  );
  await consumer.close(10_000);

  await browser.signIn(TOKEN);
  const { status, text } = await browser.get("/queue");
  expect(status).toBe(200);
  for (const words of [`href="/deliveries/${DELIVERY}"`, "unparsable: not JSON", 'href="/queue/board"'])
    expect(text).toContain(words);
  expect((await console.get("/queue")).json).toMatchObject({
    backend: "postgres",
    jobs: { failed: 1 },
    failed: [
      {
        deliveryIds: [DELIVERY],
        reason: "unparsable: not JSON",
        failedAt: expect.stringMatching(/\.\d{7}Z$/),
      },
    ],
  });
  const board = await browser.get("/queue/board");
  expect(board.headers["content-security-policy"]).toMatch(/^default-src 'self'; .*frame-ancestors 'none'$/);
  expect((await browser.get("/queue/board/api/queues")).json.queues[0].counts.failed).toBe(1);
  const path = `/queue/board/api/queues/deliveries/delivery-${DELIVERY}/retry`;
  expect((await browser.post(path)).status).toBe(405);
  expect((await browser.get("/")).headers["content-security-policy"]).toContain("default-src 'none'");
});
