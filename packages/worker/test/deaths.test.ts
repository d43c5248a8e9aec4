import { findDeadLetter } from "@dossier/store";
import { startProxy, startRedis, needs } from "@dossier/testing";
import { expect, test } from "vitest";
import {
  due,
  event,
  holdUp,
  notDue,
  openWorkshop,
  ownJob,
  poisonPerson,
  settled,
  sharedServers,
  spawnWorker,
  eventually,
} from "./workshop.ts";

test("a worker killed between a batch and the jobs of what failed and died in it loses nothing", async (context) => {
  await needs(context, "redisServer");
  const redis = await startRedis({ settings: { appendfsync: "always" } });
  context.onTestFinished(() => redis.stop());
  const servers = { ...(await sharedServers(context)), redisUrl: redis.url };
  const { pool, queue, deliver } = openWorkshop(context, servers);
  const poison = await poisonPerson(pool);
  const hold = await holdUp(pool);
  const unlucky = spawnWorker(context, servers);
  const deliveryIds = await deliver(event("slow"), event("poison"), Buffer.from("{"));
  const [, failing, dead] = deliveryIds;
  await hold.reached();

  // Killed and not frozen, which would hear of the job's end once it thaws.
  await redis.kill();
  await hold.release();
  await settled(pool, deliveryIds, ["applied", "open", "unparsable"]);
  await eventually(async () => (await pool.query("select from failures")).rowCount).toBe(1);
  await unlucky.end("SIGKILL");
  await redis.restart();
  await eventually(() => ownJob(queue, dead!)).toBeUndefined();

  await poison.mend();
  spawnWorker(context, servers);
  await eventually(() => ownJob(queue, dead!)).toMatchObject({ state: "failed" });
  await due(pool);
  await settled(pool, [failing!], "applied");
  const { rows } = await pool.query("select attempt from failures");
  expect(rows).toEqual([{ attempt: 1 }]);
});

test("a worker killed between its commit and the end of its job leaves one that does nothing more", async (context) => {
  await needs(context, "redisServer");
  const redis = await startRedis({ settings: { appendfsync: "always" } });
  context.onTestFinished(() => redis.stop());
  const servers = { ...(await sharedServers(context)), redisUrl: redis.url };
  const { pool, queue, deliver } = openWorkshop(context, servers);
  const hold = await holdUp(pool);
  const unlucky = spawnWorker(context, servers);
  const deliveryIds = await deliver(event("slow"), event("a"));
  await hold.reached();
  await redis.kill();
  await hold.release();
  await settled(pool, deliveryIds, "applied");
  await unlucky.end("SIGKILL");
  await redis.restart();
  await eventually(() => queue.counts()).toMatchObject({ active: 1, completed: 0 });
  const before = (await pool.query("select * from events order by entity_id")).rows;

  spawnWorker(context, servers);
  await eventually(() => queue.counts()).toMatchObject({ active: 0, waiting: 0, completed: 1 });
  expect((await pool.query("select * from events order by entity_id")).rows).toEqual(before);
  expect((await pool.query("select from redeliveries")).rowCount).toBe(0);
});

test("a delivery whose workers die each time becomes a dead letter, and its neighbours in the batch do not", async (context) => {
  const servers = await sharedServers(context);
  const proxy = await startProxy({ target: servers.databaseUrl });
  context.onTestFinished(() => proxy.close());
  const { pool, queue, deliver, record } = openWorkshop(context, servers);
  const cutOff = { ...servers, databaseUrl: proxy.url };
  proxy.apply({ kind: "black-hole" });

  async function killWorkersWithTheJob(): Promise<void> {
    await notDue(pool);
    for (let stalls = 0; stalls < 4; stalls += 1) {
      const worker = spawnWorker(context, cutOff);
      // Held by a worker that lives, and not only by the lock of the one before.
      await worker.logged("takes jobs");
      await eventually(
        async () => (await queue.bullmq.getActive())[0]?.stalledCounter,
      ).toBeGreaterThanOrEqual(stalls);
      await worker.end("SIGKILL");
    }
  }

  const batch = await deliver(event("a"), event("b"));
  await killWorkersWithTheJob();
  const survivor = spawnWorker(context, servers);
  await survivor.logged("its deliveries get jobs of their own");
  await settled(pool, batch, "applied");
  await survivor.end("SIGTERM");

  const [culprit] = await record(event("c"));
  await queue.enqueueSingle(culprit!);
  await killWorkersWithTheJob();
  spawnWorker(context, servers);
  await settled(pool, [culprit!], "stalled");
  await eventually(() => ownJob(queue, culprit!)).toMatchObject({
    state: "failed",
    reason: expect.stringContaining("stalled: "),
  });
});

test("a delivery that kills its workers while they read it is dead at last, unread, and the last worker lives", async (context) => {
  const servers = await sharedServers(context);
  const { pool, queue, record } = openWorkshop(context, servers);
  const [culprit] = await record(event("lethal"));
  await notDue(pool);
  await queue.enqueueSingle(culprit!);
  const diesReading = `data:text/javascript,${encodeURIComponent(`
    const { decode } = TextDecoder.prototype;
    TextDecoder.prototype.decode = function (...bytes) {
      const text = decode.apply(this, bytes);
      if (text.includes("lethal")) process.kill(process.pid, "SIGKILL");
      return text;
    };`)}`;
  const hire = () => spawnWorker(context, servers, { execArgv: ["--import", diesReading] });
  for (let stalls = 0; stalls < 4; stalls += 1) await hire().ended;

  const survivor = hire();
  await settled(pool, [culprit!], "stalled");
  expect(await findDeadLetter(pool, culprit!)).toMatchObject({ deaths: [{ entityId: null }] });
  expect(await survivor.end("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("SIGTERM in the middle of work: what is in flight is finished, the rest is left to others, the exit code is 0", async (context) => {
  const servers = await sharedServers(context);
  const { pool, queue, deliver } = openWorkshop(context, servers);
  const hold = await holdUp(pool);
  const leaving = spawnWorker(context, servers, { env: { WORKER_CONCURRENCY: "1" } });
  const inFlight = await deliver(event("slow"), event("a"));
  await hold.reached();
  const waiting = await deliver(event("b"));

  leaving.signal("SIGTERM");
  await leaving.logged("shutting down");
  await hold.release();
  expect(await leaving.ended).toEqual({ code: 0, signal: null });
  await settled(pool, [...inFlight, ...waiting], ["applied", "applied", "open"]);
  expect(await queue.counts()).toMatchObject({ active: 0, waiting: 1, completed: 1 });

  spawnWorker(context, servers);
  await settled(pool, waiting, "applied");
});

test("workers share the load, and each delivery takes effect once", async (context) => {
  const servers = await sharedServers(context);
  const { pool, deliver } = openWorkshop(context, servers);
  const workers = Array.from({ length: 4 }, () =>
    spawnWorker(context, servers, { env: { WORKER_CONCURRENCY: "2" } }),
  );
  for (const worker of workers) await worker.logged("takes jobs");
  const ports = await Promise.all(workers.map(async (worker) => (await worker.logged("takes jobs"))["port"]));
  const deliveryIds: string[] = [];
  const share = async (port: unknown) => {
    const text = await (await fetch(`http://127.0.0.1:${String(port)}/metrics`)).text();
    return Number(/^dossier_deliveries_total\{.*outcome="applied".*\} (\d+)/m.exec(text)?.[1] ?? 0);
  };

  await eventually(async () => {
    const jobs = Array.from({ length: 50 }, (_, i) => deliver(event(`p${i % 7}`)));
    deliveryIds.push(...(await Promise.all(jobs)).flat());
    return (await Promise.all(ports.map(share))).every((applied) => applied > 0);
  }).toBe(true);

  await settled(pool, deliveryIds, "applied");
  const shares = await Promise.all(ports.map(share));
  expect(shares.reduce((sum, applied) => sum + applied, 0)).toBe(deliveryIds.length);
});

test("a worker whose clock is an hour ahead settles, fails and retries as any other", async (context) => {
  const servers = await sharedServers(context);
  const { pool, deliver } = openWorkshop(context, servers);
  const poison = await poisonPerson(pool);
  const clock = import.meta.resolve("@dossier/testing/an-hour-ahead");
  const ahead = spawnWorker(context, servers, {
    execArgv: ["--import", clock],
    // By its own clock every retry is due at once: it must not come to the last one.
    env: { MAX_ATTEMPTS: "100" },
  });
  const deliveryIds = await deliver(event("a"), event("poison"));
  await settled(pool, deliveryIds, ["applied", "open"]);
  await eventually(async () => (await pool.query("select from failures")).rowCount).toBeGreaterThan(0);

  await ahead.end("SIGTERM");
  await poison.mend();
  spawnWorker(context, servers);
  // Its retry waits in the queue for a time that others reach in an hour: the sweeper goes by Postgres' clock.
  await due(pool);
  await settled(pool, deliveryIds, "applied");
  const { rows } = await pool.query(
    "select from failures where failed_at > now() union all select from settlements where settled_at > now()",
  );
  expect(rows).toEqual([]);
});
