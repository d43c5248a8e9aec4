import { once } from "node:events";
import { connect } from "node:net";
import { migrate, openPool, type Pool } from "@dossier/store";
import { createLogin, refuseEvents } from "@dossier/store/fixtures";
import { needs, startPostgres, startProxy, startRedis, waitFor } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { blockInserts, sendToRedis } from "./faults.ts";
import { createHarness, newEvent, sharedServers, spawnWorker } from "./harness.ts";

interface Outage {
  /** Where the worker finds Postgres. */
  readonly workerUrl: string;
  /** Where the test finds it. */
  readonly databaseUrl: string;
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
}

async function startOwnPostgres(context: TestContext) {
  const server = await startPostgres({ settings: { fsync: "off" } });
  context.onTestFinished(() => server.stop());
  await migrate(server.url);
  return server;
}

async function sharedPostgres(context: TestContext): Promise<string> {
  return (await sharedServers(context)).databaseUrl;
}

function openAdminPool(context: TestContext, databaseUrl: string): Pool {
  const pool = openPool(databaseUrl, { name: "fault", size: 1 });
  context.onTestFinished(() => pool.end());
  return pool;
}

const OUTAGES: Record<string, (context: TestContext) => Promise<Outage>> = {
  async "is killed and restarted"(context) {
    const server = await startOwnPostgres(context);
    return {
      workerUrl: server.url,
      databaseUrl: server.url,
      begin: () => server.kill(),
      end: () => server.restart(),
    };
  },
  async "does not answer"(context) {
    const databaseUrl = await sharedPostgres(context);
    const proxy = await startProxy({ target: databaseUrl });
    context.onTestFinished(() => proxy.close());
    return {
      workerUrl: proxy.url,
      databaseUrl,
      begin: async () => proxy.apply({ kind: "black-hole" }),
      end: async () => proxy.restore(),
    };
  },
  async "takes no writes"(context) {
    const databaseUrl = await sharedPostgres(context);
    const admin = openAdminPool(context, databaseUrl);
    const name = new URL(databaseUrl).pathname.slice(1);
    const setReadOnly = async (value: "on" | "off") => {
      await admin.query("set default_transaction_read_only = off");
      await admin.query(`alter database ${name} set default_transaction_read_only = ${value}`);
      // The setting of a database holds for new connections.
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dossier-worker'",
      );
    };
    return {
      workerUrl: databaseUrl,
      databaseUrl,
      begin: () => setReadOnly("on"),
      end: () => setReadOnly("off"),
    };
  },
  async "has no connection left"(context) {
    const { url } = await startOwnPostgres(context);
    const admin = openAdminPool(context, url);
    const workerUrl = await createLogin(url, "worker");
    const { username } = new URL(workerUrl);
    return {
      workerUrl,
      databaseUrl: url,
      async begin() {
        await admin.query(`alter role ${username} connection limit 0`);
        await waitFor(async () => {
          const { rowCount } = await admin.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1",
            [username],
          );
          return rowCount === 0;
        });
      },
      end: () => admin.query(`alter role ${username} connection limit -1`),
    };
  },
};

describe.each(Object.entries(OUTAGES))("while Postgres %s", (_name, prepare) => {
  test("a worker pauses, uses no attempt, and resumes by itself", async (context) => {
    const { redisUrl } = await sharedServers(context);
    const { workerUrl, databaseUrl, begin, end } = await prepare(context);
    const harness = await createHarness(context, { databaseUrl, redisUrl });
    const worker = await harness.startWorker({ DATABASE_URL: workerUrl });
    await harness.waitForStatuses(await harness.deliver(newEvent("before")), "applied");
    const deliveryIds = await harness.record(newEvent("a"), newEvent("b"), newEvent("c"));
    await harness.makeNotDue();

    await begin();
    for (const deliveryId of deliveryIds) await harness.queue.enqueue([deliveryId]);

    await worker.waitForLog("postgres-unavailable");
    const readyz = await worker.get("/readyz");
    expect(readyz.status).toBe(503);
    expect(await readyz.json()).toMatchObject({ checks: { postgres: expect.not.stringMatching(/^ok$/) } });
    expect(await worker.metric("dossier_worker_paused_seconds")).toBeGreaterThan(0);
    // The first job alone may have paused it.
    await harness.waitForCounts({ active: 3, failed: 0, delayed: 0 });

    await end();
    await harness.waitForStatuses(deliveryIds, "applied");
    await worker.waitForReadyz(200);
    // A connection that was opened during the outage may be of no use after it, which begins it once more.
    const outages = worker.logged("postgres-unavailable").length;
    expect(worker.logged("postgres-recovered")).toHaveLength(outages);
    expect(await harness.countRows("failed_attempts")).toBe(0);
    expect(await harness.countRows("dead_letters")).toBe(0);
    await harness.waitForCounts({ waiting: 0, active: 0, failed: 0, delayed: 0, completed: 4 });
  });

  test("a worker shuts down in time, and exits 0", async (context) => {
    const { redisUrl } = await sharedServers(context);
    const { workerUrl, databaseUrl, begin, end } = await prepare(context);
    const harness = await createHarness(context, { databaseUrl, redisUrl });
    const worker = spawnWorker(context, { databaseUrl: workerUrl, redisUrl });
    await (await worker.started()).waitForReadyz(200);
    const deliveryIds = await harness.record(newEvent("a"));
    await begin();
    await harness.queue.enqueue(deliveryIds);
    await harness.waitForCounts({ active: 1 });

    // With 0, so no step of its shutdown took longer than it may.
    expect(await worker.end("SIGTERM")).toMatchObject({ code: 0, signal: null });

    await end();
    await harness.waitForStatuses(deliveryIds, "open");
  });
});

describe("during an outage of Redis", () => {
  async function startOwnRedis(context: TestContext) {
    needs(context, "redisServer");
    const redis = await startRedis();
    context.onTestFinished(() => redis.stop());
    return { redis, servers: { databaseUrl: await sharedPostgres(context), redisUrl: redis.url } };
  }

  /** Sends FLUSHALL, as one who takes Redis for a cache. */
  async function flushAll(redisUrl: string): Promise<void> {
    const { hostname, port } = new URL(redisUrl);
    const socket = connect(Number(port), hostname);
    socket.end("FLUSHALL\r\n");
    const [answer] = await once(socket, "data");
    expect(String(answer)).toMatch(/^\+OK/);
  }

  test("a worker settles what is in flight, and takes jobs again afterwards", async (context) => {
    const { redis, servers } = await startOwnRedis(context);
    const harness = await createHarness(context, servers);
    const block = await blockInserts(harness.pool);
    const worker = await harness.startWorker();
    const inFlight = await harness.deliver(newEvent("slow"));
    await block.reached();

    await redis.kill();
    await block.release();
    await harness.waitForStatuses(inFlight, "applied");
    const meanwhile = await harness.record(newEvent("meanwhile"));
    await redis.restart();
    await harness.makeDue();

    await harness.waitForStatuses(meanwhile, "applied");
    // The job of what was in flight runs again, and does nothing.
    await harness.waitForCounts({ waiting: 0, active: 0, failed: 0, delayed: 0 });
    expect(await harness.countRows("events")).toBe(2);
    expect(await harness.countRows("failed_attempts")).toBe(0);
    await worker.waitForReadyz(200);
  });

  test("a worker says that it takes no jobs, and when it takes them again", async (context) => {
    const { redis, servers } = await startOwnRedis(context);
    const harness = await createHarness(context, servers);
    const worker = await harness.startWorker();
    await worker.waitForReadyz(200);
    const waitForConsuming = (expected: 0 | 1) =>
      waitFor(
        () => worker.metric("dossier_worker_consuming"),
        (value) => expect(value).toBe(expected),
      );

    await redis.kill();
    await worker.waitForReadyz(503);
    await waitForConsuming(0);
    await worker.waitForLog("consuming-stopped");
    // An error of a lost job may follow later.
    expect(worker.logged("queue-unavailable")).toHaveLength(1);

    await redis.restart();
    await worker.waitForReadyz(200);
    await waitForConsuming(1);
    await worker.waitForLog("consuming-resumed");
  });

  test("a worker starts, and works once Redis is up", async (context) => {
    const { redis, servers } = await startOwnRedis(context);
    const harness = await createHarness(context, servers);
    await redis.kill();
    const deliveryIds = await harness.record(newEvent("a"), newEvent("b"));
    await harness.makeDue();

    const worker = await harness.startWorker();
    expect((await worker.get("/readyz")).status).toBe(503);
    expect((await worker.get("/healthz")).status).toBe(200);

    await redis.restart();
    await harness.waitForStatuses(deliveryIds, "applied");
  });

  test("a worker shuts down in time, and exits 0", async (context) => {
    const { redis, servers } = await startOwnRedis(context);
    const worker = spawnWorker(context, servers);
    await worker.waitForLog("worker-started");
    await redis.kill();
    await worker.waitForLog("queue-unavailable");

    // With 0, so no step of its shutdown took longer than it may.
    expect(await worker.end("SIGTERM")).toMatchObject({ code: 0, signal: null });
  });

  test("FLUSHALL loses no delivery: each open one is settled", async (context) => {
    const { redis, servers } = await startOwnRedis(context);
    const harness = await createHarness(context, servers);
    const block = await blockInserts(harness.pool);
    await harness.startWorker({ WORKER_CONCURRENCY: 1 });
    const inFlight = await harness.deliver(newEvent("slow"));
    await block.reached();
    const waiting = await harness.deliver(newEvent("a"), newEvent("b"));
    const delayed = await harness.record(newEvent("c"));
    await harness.queue.enqueueSingle(delayed[0]!, { delayMs: 3_600_000 });

    await flushAll(redis.url);
    expect(await harness.queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0 });
    await block.release();
    await harness.makeDue();

    await harness.waitForStatuses([...inFlight, ...waiting, ...delayed], "applied");
    await harness.waitForStatuses(await harness.deliver(newEvent("afterwards")), "applied");
    expect(await harness.countRows("events")).toBe(5);
  });

  test("FLUSHALL forgets no attempt", async (context) => {
    const { redis, servers } = await startOwnRedis(context);
    const harness = await createHarness(context, servers);
    await refuseEvents(harness.pool, "poison");
    await harness.deliver(newEvent("poison"));
    await harness.startWorker({ MAX_ATTEMPTS: 100 });
    await waitFor(async () => (await harness.countRows("failed_attempts")) > 0);

    await flushAll(redis.url);
    const before = await harness.countRows("failed_attempts");
    await harness.makeDue();

    await waitFor(async () => (await harness.countRows("failed_attempts")) > before);
    const { rows } = await harness.pool.query<{ attempt: number }>(
      "select attempt from failed_attempts order by failed_attempt_id",
    );
    expect(rows.map(({ attempt }) => attempt)).toEqual(rows.map((_, index) => index + 1));
  });
});

test("what limits the queue is removed by a worker, and logged", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const bullmq = await harness.queue.bullmq();
  await bullmq.pause();
  await bullmq.setGlobalConcurrency(0);

  const worker = await harness.startWorker();

  await harness.waitForStatuses(await harness.deliver(newEvent("a")), "applied");
  await harness.waitForStatuses(await harness.deliver(newEvent("b")), "applied");
  expect(worker.logged("queue-limits-removed")).toMatchObject([{ limits: ["paused", "concurrency"] }]);
});

test("a worker that gets no job while deliveries are due is not ready, and says why", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const worker = await harness.startWorker({}, { maxIdleMs: 0 });
  await worker.waitForReadyz(200);
  const [deliveryId = ""] = await harness.record(newEvent("a"));
  await harness.makeNotDue();
  await worker.waitForReadyz(200);
  // As after two sweeps whose jobs were never handed out.
  await harness.pool.query("update open_deliveries set sweeps = 2");

  await worker.waitForReadyz(503);

  expect(await (await worker.get("/readyz")).json()).toMatchObject({
    checks: { postgres: "ok", queue: "ok", jobs: expect.stringContaining("the queue hands out no job") },
  });
  const holder = await harness.pool.connect();
  await holder.query("begin");
  await holder.query("select from open_deliveries where delivery_id = $1 for update", [deliveryId]);
  await worker.waitForReadyz(200);
  await holder.query("rollback");
  holder.release();
  await worker.waitForReadyz(503);
  await harness.queue.enqueue([deliveryId]);
  await worker.waitForReadyz(200);
});

test("a Redis that may remove jobs is reported in the log and in /readyz, and used", async (context) => {
  needs(context, "redisServer");
  const redis = await startRedis({ settings: { "maxmemory-policy": "allkeys-lru" } });
  context.onTestFinished(() => redis.stop());
  const harness = await createHarness(context, { ...(await sharedServers(context)), redisUrl: redis.url });
  const worker = await harness.startWorker();

  await worker.waitForLog("queue-may-evict");
  await worker.waitForReadyz(200);
  expect(await (await worker.get("/readyz")).json()).toMatchObject({
    checks: { queue: "ok", eviction: expect.stringContaining("allkeys-lru") },
  });
  await harness.waitForStatuses(await harness.deliver(newEvent("a")), "applied");
  await sendToRedis(`${redis.url}/0`, "CONFIG", "SET", "maxmemory-policy", "noeviction");
  await worker.waitForReadyz(200);
  await worker.waitForLog("queue-keeps-jobs");
});
