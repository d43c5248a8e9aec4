import { migrate, openPool, type Pool } from "@dossier/store";
import { needs, startPostgres, startProxy, startRedis } from "@dossier/testing";
import { expect, describe, test, type TestContext } from "vitest";
import {
  due,
  event,
  flushAll,
  holdUp,
  notDue,
  openWorkshop,
  settled,
  sharedServers,
  spawnWorker,
  standing,
  eventually,
} from "./workshop.ts";

interface Outage {
  /** Where the worker, and where the test finds Postgres. */
  readonly workerUrl: string;
  readonly databaseUrl: string;
  begin(): Promise<unknown>;
  end(): Promise<unknown>;
}

async function ownPostgres(context: TestContext) {
  const server = await startPostgres({ settings: { fsync: "off" } });
  context.onTestFinished(() => server.stop());
  await migrate(server.url);
  return server;
}

async function sharedPostgres(context: TestContext): Promise<string> {
  return (await sharedServers(context)).databaseUrl;
}

function poolOf(context: TestContext, databaseUrl: string, size: number): Pool {
  const pool = openPool(databaseUrl, { name: "fault", size });
  context.onTestFinished(() => pool.end());
  return pool;
}

const OUTAGES: Record<string, (context: TestContext) => Promise<Outage>> = {
  async "is killed and comes back"(context) {
    const server = await ownPostgres(context);
    return {
      workerUrl: server.url,
      databaseUrl: server.url,
      begin: () => server.kill(),
      end: () => server.restart(),
    };
  },
  async "goes silent"(context) {
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
    const admin = poolOf(context, databaseUrl, 1);
    const name = new URL(databaseUrl).pathname.slice(1);
    const readOnly = async (value: "on" | "off") => {
      await admin.query("set default_transaction_read_only = off");
      await admin.query(`alter database ${name} set default_transaction_read_only = ${value}`);
      // A database's settings hold for its new connections.
      await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'dossier-worker'",
      );
    };
    return { workerUrl: databaseUrl, databaseUrl, begin: () => readOnly("on"), end: () => readOnly("off") };
  },
  async "has no connection left"(context) {
    const { url } = await ownPostgres(context);
    const admin = poolOf(context, url, 1);
    await admin.query("create role worker login password 'secret' in role dossier_service");
    const workerUrl = new URL(url);
    workerUrl.username = "worker";
    workerUrl.password = "secret";
    return {
      workerUrl: workerUrl.href,
      databaseUrl: url,
      async begin() {
        await admin.query("alter role worker connection limit 0");
        await eventually(async () => {
          const { rowCount } = await admin.query(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'worker'",
          );
          return rowCount;
        }).toBe(0);
      },
      end: () => admin.query("alter role worker connection limit -1"),
    };
  },
};

describe.each(Object.entries(OUTAGES))("when Postgres %s", (_name, prepare) => {
  test("a worker pauses, says so, uses no attempt, and resumes by itself", async (context) => {
    const { redisUrl } = await sharedServers(context);
    const { workerUrl, databaseUrl, begin, end } = await prepare(context);
    const { pool, queue, record, deliver, hire } = openWorkshop(context, { databaseUrl, redisUrl });
    const worker = await hire({ DATABASE_URL: workerUrl });
    const probe = (path: string) => fetch(`http://127.0.0.1:${worker.port}${path}`);
    await settled(pool, await deliver(event("before")), "applied");
    const deliveryIds = await record(event("a"), event("b"), event("c"));
    await notDue(pool);

    await begin();
    for (const deliveryId of deliveryIds) await queue.enqueue([deliveryId]);

    await eventually(() => worker.said("paused")).toHaveLength(1);
    const readyz = await probe("/readyz");
    expect(readyz.status).toBe(503);
    expect(await readyz.json()).toMatchObject({ checks: { postgres: expect.not.stringMatching(/^ok$/) } });
    expect(await (await probe("/metrics")).text()).toMatch(/^dossier_worker_paused_seconds (?!0$)/m);
    // The first job alone may have paused it.
    await eventually(() => queue.counts()).toMatchObject({ active: 3, failed: 0, delayed: 0 });

    await end();
    await settled(pool, deliveryIds, "applied");
    await eventually(async () => (await probe("/readyz")).status).toBe(200);
    expect(worker.said("paused")).toHaveLength(1);
    expect(worker.said("resumed")).toHaveLength(1);
    expect((await pool.query("select from failures")).rowCount).toBe(0);
    expect((await pool.query("select from dead_letters")).rowCount).toBe(0);
    await eventually(() => queue.counts()).toMatchObject({
      waiting: 0,
      active: 0,
      failed: 0,
      delayed: 0,
      completed: 4,
    });
  });

  test("a worker told to stop does so, in time and in good order", async (context) => {
    const { redisUrl } = await sharedServers(context);
    const { workerUrl, databaseUrl, begin, end } = await prepare(context);
    const { pool, queue, record } = openWorkshop(context, { databaseUrl, redisUrl });
    const worker = spawnWorker(context, { databaseUrl: workerUrl, redisUrl });
    await worker.logged("takes jobs");
    const deliveryIds = await record(event("a"));
    await begin();
    await queue.enqueue(deliveryIds);
    await eventually(() => queue.counts()).toMatchObject({ active: 1 });

    // Which means that no step of its shutdown took longer than it may.
    expect(await worker.end("SIGTERM")).toEqual({ code: 0, signal: null });

    await end();
    await eventually(() => standing(pool, deliveryIds)).toEqual(["open"]);
  });
});

describe("when Redis goes away", () => {
  async function ownRedis(context: TestContext) {
    await needs(context, "redisServer");
    const server = await startRedis();
    context.onTestFinished(() => server.stop());
    return server;
  }

  test("what is in flight is settled, a job that runs again does nothing, and work goes on once it is back", async (context) => {
    const redis = await ownRedis(context);
    const servers = { databaseUrl: await sharedPostgres(context), redisUrl: redis.url };
    const { pool, queue, record, deliver, hire } = openWorkshop(context, servers);
    const hold = await holdUp(pool);
    const worker = await hire();
    const inFlight = await deliver(event("slow"));
    await hold.reached();

    await redis.kill();
    await hold.release();
    await settled(pool, inFlight, "applied");
    const consuming = async () =>
      (await (await fetch(`http://127.0.0.1:${worker.port}/metrics`)).text()).match(
        /^dossier_worker_consuming (\d)$/m,
      )?.[1];
    await eventually(async () => (await fetch(`http://127.0.0.1:${worker.port}/readyz`)).status).toBe(503);
    await eventually(consuming).toBe("0");
    await eventually(() => worker.said("takes no jobs")).not.toHaveLength(0);
    // Later, the queue may also tell of the job that was lost with it.
    expect(worker.said("queue unavailable")).toHaveLength(1);
    const meanwhile = await record(event("meanwhile"));

    await redis.restart();
    await due(pool);
    await settled(pool, meanwhile, "applied");
    await eventually(() => queue.counts()).toMatchObject({ waiting: 0, active: 0, failed: 0, delayed: 0 });
    expect((await pool.query("select from events")).rowCount).toBe(2);
    expect((await pool.query("select from failures")).rowCount).toBe(0);
    await eventually(async () => (await fetch(`http://127.0.0.1:${worker.port}/readyz`)).status).toBe(200);
    await eventually(consuming).toBe("1");
    await eventually(() => worker.said("jobs again")).not.toHaveLength(0);
  });

  test("a worker starts without it, and works once it is there", async (context) => {
    const redis = await ownRedis(context);
    const servers = { databaseUrl: await sharedPostgres(context), redisUrl: redis.url };
    const { pool, record, hire } = openWorkshop(context, servers);
    await redis.kill();
    const deliveryIds = await record(event("a"), event("b"));
    await due(pool);

    const worker = await hire();
    expect((await fetch(`http://127.0.0.1:${worker.port}/readyz`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${worker.port}/healthz`)).status).toBe(200);

    await redis.restart();
    await settled(pool, deliveryIds, "applied");
  });

  test("a worker told to stop does so, in time and in good order", async (context) => {
    const redis = await ownRedis(context);
    const servers = { databaseUrl: await sharedPostgres(context), redisUrl: redis.url };
    const worker = spawnWorker(context, servers);
    await worker.logged("takes jobs");
    await redis.kill();
    await worker.logged("queue unavailable");

    // Which means that no step of its shutdown took longer than it may.
    expect(await worker.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });

  test("FLUSHALL loses nothing: every open delivery is settled, with the attempts that it had used", async (context) => {
    const redis = await ownRedis(context);
    const servers = { databaseUrl: await sharedPostgres(context), redisUrl: redis.url };
    const { pool, queue, record, deliver, hire } = openWorkshop(context, servers);
    const hold = await holdUp(pool);
    await hire({ WORKER_CONCURRENCY: 1 });
    const inFlight = await deliver(event("slow"));
    await hold.reached();
    const waiting = await deliver(event("a"), event("b"));
    const delayed = await record(event("c"));
    await queue.enqueueSingle(delayed[0]!, { delayMs: 3_600_000 });

    await flushAll(redis.url);
    expect(await queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0 });
    await hold.release();
    await due(pool);

    await settled(pool, [...inFlight, ...waiting, ...delayed], "applied");
    await settled(pool, await deliver(event("afterwards")), "applied");
    expect((await pool.query("select from events")).rowCount).toBe(5);
  });
});
