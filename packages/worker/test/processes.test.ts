/** Workers as processes of their own: killed, shut down, several at a time, with a wrong clock. */
import { findDeadLetter } from "@dossier/store";
import { needs, startProxy, startRedis, waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { blockInserts, poisonPerson } from "./faults.ts";
import {
  countRows,
  createHarness,
  event,
  makeDue,
  makeNotDue,
  sharedServers,
  spawnWorker,
  waitForCounts,
  waitForOutcomes,
  waitForSingle,
} from "./harness.ts";

/** The stalls of a job after which it goes to the handler of stalled jobs: see `maxStalledCount` in the fixture. */
const STALLS = 2;

/** Starts a Redis that loses nothing when it is killed. */
async function startDurableRedis(context: TestContext) {
  needs(context, "redisServer");
  const redis = await startRedis({ settings: { appendfsync: "always" } });
  context.onTestFinished(() => redis.stop());
  return redis;
}

test("a worker killed before the jobs of its failed deliveries are enqueued loses nothing", async (context) => {
  const redis = await startDurableRedis(context);
  const servers = { ...(await sharedServers(context)), redisUrl: redis.url };
  const { pool, queue, deliver } = createHarness(context, servers);
  const poison = await poisonPerson(pool);
  const block = await blockInserts(pool);
  const killed = spawnWorker(context, servers);
  const deliveryIds = await deliver(event("slow"), event("poison"), Buffer.from("{"));
  const [, failing, deadLettered] = deliveryIds;
  await block.reached();

  // Killed, not frozen: a frozen Redis would receive the job's end once it continues.
  await redis.kill();
  await block.release();
  await waitForOutcomes(pool, deliveryIds, ["applied", "open", "unparsable"]);
  await waitFor(async () => (await countRows(pool, "failed_attempts")) === 1);
  await killed.end("SIGKILL");
  await redis.restart();
  const singles = () =>
    Promise.all([failing, deadLettered].map((id) => queue.bullmq.getJob(`delivery-${id}`)));
  await waitFor(singles, (jobs) => expect(jobs).toEqual([undefined, undefined]));

  await poison.remove();
  spawnWorker(context, servers);
  await waitForSingle(queue, deadLettered!, "failed");
  await makeDue(pool);
  await waitForOutcomes(pool, [failing!], "applied");
  expect(await countRows(pool, "failed_attempts")).toBe(1);
});

test("the job of a worker that was killed after its commit changes nothing when it runs again", async (context) => {
  const redis = await startDurableRedis(context);
  const servers = { ...(await sharedServers(context)), redisUrl: redis.url };
  const { pool, queue, deliver } = createHarness(context, servers);
  const block = await blockInserts(pool);
  const killed = spawnWorker(context, servers);
  const deliveryIds = await deliver(event("slow"), event("a"));
  await block.reached();
  await redis.kill();
  await block.release();
  await waitForOutcomes(pool, deliveryIds, "applied");
  await killed.end("SIGKILL");
  await redis.restart();
  await waitForCounts(queue, { active: 1, completed: 0 });
  const events = async () => (await pool.query("select * from events order by entity_id")).rows;
  const before = await events();

  spawnWorker(context, servers);

  await waitForCounts(queue, { active: 0, waiting: 0, completed: 1 });
  expect(await events()).toEqual(before);
  expect(await countRows(pool, "redeliveries")).toBe(0);
});

/** Prepares a job's processing by workers that are killed while they process it. */
async function prepareStalls(context: TestContext) {
  const servers = await sharedServers(context);
  const proxy = await startProxy({ target: servers.databaseUrl });
  context.onTestFinished(() => proxy.close());
  const harness = createHarness(context, servers);
  proxy.apply({ kind: "black-hole" });

  /** Has the queue's only job stall until it goes to the handler of stalled jobs. */
  async function stallTheJob(): Promise<void> {
    await makeNotDue(harness.pool);
    for (let stalls = 0; stalls < STALLS; stalls += 1) {
      const worker = spawnWorker(context, { ...servers, databaseUrl: proxy.url });
      // The lock may still be that of the worker before.
      await worker.waitForLog("worker-started");
      await waitFor(async () => {
        const [job] = await harness.queue.bullmq.getActive();
        return job !== undefined && job.stalledCounter >= stalls;
      });
      await worker.end("SIGKILL");
    }
  }
  return { ...harness, servers, stallTheJob };
}

test("a batch whose workers die each time is split, and its deliveries are settled", async (context) => {
  const { pool, deliver, servers, stallTheJob } = await prepareStalls(context);
  const batch = await deliver(event("a"), event("b"));
  await stallTheJob();

  const survivor = spawnWorker(context, servers);

  expect(await survivor.waitForLog("batch-stalled")).toMatchObject({ deliveries: 2 });
  await waitForOutcomes(pool, batch, "applied");
});

test("a delivery whose workers die each time is dead-lettered, with a failed job", async (context) => {
  const { pool, queue, record, servers, stallTheJob } = await prepareStalls(context);
  const [deliveryId] = await record(event("a"));
  await queue.enqueueSingle(deliveryId!);
  await stallTheJob();

  spawnWorker(context, servers);

  await waitForOutcomes(pool, [deliveryId!], "stalled");
  expect(await waitForSingle(queue, deliveryId!, "failed")).toContain("stalled: ");
});

test("a delivery that kills its workers while they read it is dead-lettered unread", async (context) => {
  const servers = await sharedServers(context);
  const { pool, queue, record } = createHarness(context, servers);
  const [deliveryId] = await record(event("lethal"));
  await makeNotDue(pool);
  await queue.enqueueSingle(deliveryId!);
  const diesReading = `data:text/javascript,${encodeURIComponent(`
    const { decode } = TextDecoder.prototype;
    TextDecoder.prototype.decode = function (...bytes) {
      const text = decode.apply(this, bytes);
      if (text.includes("lethal")) process.kill(process.pid, "SIGKILL");
      return text;
    };`)}`;
  const spawnDying = () => spawnWorker(context, servers, { execArgv: ["--import", diesReading] });
  for (let stalls = 0; stalls < STALLS; stalls += 1)
    expect(await spawnDying().ended).toMatchObject({ signal: "SIGKILL" });

  const survivor = spawnDying();

  await waitForOutcomes(pool, [deliveryId!], "stalled");
  expect(await findDeadLetter(pool, deliveryId!)).toMatchObject({ deadLetters: [{ entityId: null }] });
  expect(await survivor.end("SIGTERM")).toEqual({ code: 0, signal: null });
});

test("on SIGTERM a worker finishes the jobs in flight, leaves the rest to others, and exits 0", async (context) => {
  const servers = await sharedServers(context);
  const { pool, queue, deliver } = createHarness(context, servers);
  const block = await blockInserts(pool);
  const leaving = spawnWorker(context, servers, { env: { WORKER_CONCURRENCY: "1" } });
  const inFlight = await deliver(event("slow"), event("a"));
  await block.reached();
  const waiting = await deliver(event("b"));

  leaving.signal("SIGTERM");
  await leaving.waitForLog("shutting-down");
  await block.release();
  expect(await leaving.ended).toEqual({ code: 0, signal: null });
  await waitForOutcomes(pool, [...inFlight, ...waiting], ["applied", "applied", "open"]);
  expect(await queue.counts()).toMatchObject({ active: 0, waiting: 1, completed: 1 });

  spawnWorker(context, servers);
  await waitForOutcomes(pool, waiting, "applied");
});

test("workers share the deliveries, and each delivery takes effect once", async (context) => {
  const servers = await sharedServers(context);
  const { pool, deliver } = createHarness(context, servers);
  const processes = Array.from({ length: 4 }, () =>
    spawnWorker(context, servers, { env: { WORKER_CONCURRENCY: "2" } }),
  );
  const workers = await Promise.all(processes.map((process) => process.started()));
  const shares = () =>
    Promise.all(
      workers.map(async ({ get }) => {
        const text = await (await get("/metrics")).text();
        return Number(/^dossier_deliveries_total\{.*outcome="applied".*\} (\d+)/m.exec(text)?.[1] ?? 0);
      }),
    );
  const deliveryIds: string[] = [];

  await waitFor(async () => {
    const jobs = Array.from({ length: 50 }, (_, i) => deliver(event(`p${i % 7}`)));
    deliveryIds.push(...(await Promise.all(jobs)).flat());
    return (await shares()).every((applied) => applied > 0);
  });

  await waitForOutcomes(pool, deliveryIds, "applied");
  expect((await shares()).reduce((sum, applied) => sum + applied, 0)).toBe(deliveryIds.length);
});

test("a worker whose clock is an hour ahead settles, fails and retries like any other", async (context) => {
  const servers = await sharedServers(context);
  const { pool, deliver } = createHarness(context, servers);
  const poison = await poisonPerson(pool);
  const clock = import.meta.resolve("@dossier/testing/an-hour-ahead");
  const ahead = spawnWorker(context, servers, {
    execArgv: ["--import", clock],
    // By its own clock every retry is due at once; it must not come to the last one.
    env: { MAX_ATTEMPTS: "100" },
  });
  const deliveryIds = await deliver(event("a"), event("poison"));
  await waitForOutcomes(pool, deliveryIds, ["applied", "open"]);
  await waitFor(async () => (await countRows(pool, "failed_attempts")) > 0);

  await ahead.end("SIGTERM");
  await poison.remove();
  spawnWorker(context, servers);
  // By the clock of other workers its retry is due in an hour. The sweeper goes by the clock of Postgres.
  await makeDue(pool);
  await waitForOutcomes(pool, deliveryIds, "applied");
  const { rows } = await pool.query(
    "select from failed_attempts where failed_at > now() union all select from settlements where settled_at > now()",
  );
  expect(rows).toEqual([]);
});
