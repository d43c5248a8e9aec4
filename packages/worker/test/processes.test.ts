/** Workers as processes of their own: killed, shut down, several at a time, with a wrong clock. */
import { findDeadLetter } from "@dossier/store";
import { refuseEvents, UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { needs, startProxy, startRedis, waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { blockInserts } from "./faults.ts";
import { createHarness, newEvent, sharedServers, spawnWorker } from "./harness.ts";

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
  const harness = await createHarness(context, servers);
  const poison = await refuseEvents(harness.pool, "poison");
  const block = await blockInserts(harness.pool);
  const killed = spawnWorker(context, servers);
  const deliveryIds = await harness.deliver(newEvent("slow"), newEvent("poison"), UNPARSABLE_BODY);
  const [, failing, deadLettered] = deliveryIds;
  await block.reached();

  // Killed, not frozen: a frozen Redis would receive the job's end once it continues.
  await redis.kill();
  await block.release();
  await harness.waitForStatuses(deliveryIds, ["applied", "open", "unparsable"]);
  await waitFor(async () => (await harness.countRows("failed_attempts")) === 1);
  await killed.end("SIGKILL");
  await redis.restart();
  const singles = () =>
    Promise.all(
      [failing, deadLettered].map(async (id) => (await harness.queue.bullmq()).getJob(`delivery-${id}`)),
    );
  await waitFor(singles, (jobs) => expect(jobs).toEqual([undefined, undefined]));

  await poison.allow();
  spawnWorker(context, servers);
  await harness.waitForSingle(deadLettered!, "failed");
  await harness.makeDue();
  await harness.waitForStatuses([failing!], "applied");
  expect(await harness.countRows("failed_attempts")).toBe(1);
});

test("the job of a worker that was killed after its commit changes nothing when it runs again", async (context) => {
  const redis = await startDurableRedis(context);
  const servers = { ...(await sharedServers(context)), redisUrl: redis.url };
  const harness = await createHarness(context, servers);
  const block = await blockInserts(harness.pool);
  const killed = spawnWorker(context, servers);
  const deliveryIds = await harness.deliver(newEvent("slow"), newEvent("a"));
  await block.reached();
  await redis.kill();
  await block.release();
  await harness.waitForStatuses(deliveryIds, "applied");
  await killed.end("SIGKILL");
  await redis.restart();
  await harness.waitForCounts({ active: 1, completed: 0 });
  const events = async () => (await harness.pool.query("select * from events order by entity_id")).rows;
  const before = await events();

  spawnWorker(context, servers);

  await harness.waitForCounts({ active: 0, waiting: 0, completed: 1 });
  expect(await events()).toEqual(before);
  expect(await harness.countRows("redeliveries")).toBe(0);
});

/** Prepares a job's processing by workers that are killed while they process it. */
async function prepareStalls(context: TestContext) {
  const servers = await sharedServers(context);
  const proxy = await startProxy({ target: servers.databaseUrl });
  context.onTestFinished(() => proxy.close());
  const harness = await createHarness(context, servers);
  proxy.apply({ kind: "black-hole" });

  /** Has the queue's only job stall until it goes to the handler of stalled jobs. */
  async function stallTheJob(): Promise<void> {
    await harness.makeNotDue();
    for (let stalls = 0; stalls < STALLS; stalls += 1) {
      const worker = spawnWorker(context, { ...servers, databaseUrl: proxy.url });
      // The lock may still be that of the worker before.
      await worker.waitForLog("worker-started");
      await waitFor(async () => {
        const [job] = await (await harness.queue.bullmq()).getActive();
        return job !== undefined && job.stalledCounter >= stalls;
      });
      await worker.end("SIGKILL");
    }
  }
  return { harness, servers, stallTheJob };
}

test("a batch whose workers die each time is split, and its deliveries are settled", async (context) => {
  const { harness, servers, stallTheJob } = await prepareStalls(context);
  const batch = await harness.deliver(newEvent("a"), newEvent("b"));
  await stallTheJob();

  const survivor = spawnWorker(context, servers);

  expect(await survivor.waitForLog("batch-stalled")).toMatchObject({ deliveries: 2 });
  await harness.waitForStatuses(batch, "applied");
});

test("a delivery whose workers die each time is dead-lettered, with a failed job", async (context) => {
  const { harness, servers, stallTheJob } = await prepareStalls(context);
  const [deliveryId] = await harness.record(newEvent("a"));
  await harness.queue.enqueueSingle(deliveryId!);
  await stallTheJob();

  spawnWorker(context, servers);

  await harness.waitForStatuses([deliveryId!], "stalled");
  expect(await harness.waitForSingle(deliveryId!, "failed")).toContain("stalled: ");
});

test("a delivery that kills its workers while they read it is dead-lettered unread", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const [deliveryId] = await harness.record(newEvent("lethal"));
  await harness.makeNotDue();
  await harness.queue.enqueueSingle(deliveryId!);
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

  await harness.waitForStatuses([deliveryId!], "stalled");
  expect(await findDeadLetter(harness.pool, deliveryId!)).toMatchObject({
    deadLetters: [{ entityId: null }],
  });
  expect(await survivor.end("SIGTERM")).toMatchObject({ code: 0, signal: null });
});

test("on SIGTERM a worker finishes the jobs in flight, leaves the rest to others, and exits 0", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const block = await blockInserts(harness.pool);
  const leaving = spawnWorker(context, servers, { env: { WORKER_CONCURRENCY: "1" } });
  const inFlight = await harness.deliver(newEvent("slow"), newEvent("a"));
  await block.reached();
  const waiting = await harness.deliver(newEvent("b"));

  leaving.signal("SIGTERM");
  await leaving.waitForLog("shutting-down");
  await block.release();
  expect(await leaving.ended).toMatchObject({ code: 0, signal: null });
  await harness.waitForStatuses([...inFlight, ...waiting], ["applied", "applied", "open"]);
  expect(await harness.queue.counts()).toMatchObject({ active: 0, waiting: 1, completed: 1 });

  spawnWorker(context, servers);
  await harness.waitForStatuses(waiting, "applied");
});

test("workers share the deliveries, and each delivery takes effect once", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
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
    const jobs = Array.from({ length: 50 }, (_, i) => harness.deliver(newEvent(`p${i % 7}`)));
    deliveryIds.push(...(await Promise.all(jobs)).flat());
    return (await shares()).every((applied) => applied > 0);
  });

  await harness.waitForStatuses(deliveryIds, "applied");
  expect((await shares()).reduce((sum, applied) => sum + applied, 0)).toBe(deliveryIds.length);
});

test("a worker whose clock is an hour ahead settles, fails and retries like any other", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const poison = await refuseEvents(harness.pool, "poison");
  const clock = import.meta.resolve("@dossier/testing/an-hour-ahead");
  const ahead = spawnWorker(context, servers, {
    execArgv: ["--import", clock],
    // By its own clock every retry is due at once; it must not come to the last one.
    env: { MAX_ATTEMPTS: "100" },
  });
  const deliveryIds = await harness.deliver(newEvent("a"), newEvent("poison"));
  await harness.waitForStatuses(deliveryIds, ["applied", "open"]);
  await waitFor(async () => (await harness.countRows("failed_attempts")) > 0);

  await ahead.end("SIGTERM");
  await poison.allow();
  spawnWorker(context, servers);
  // By the clock of other workers its retry is due in an hour. The sweeper goes by the clock of Postgres.
  await harness.makeDue();
  await harness.waitForStatuses(deliveryIds, "applied");
  const { rows } = await harness.pool.query(
    "select from failed_attempts where failed_at > now() union all select from settlements where settled_at > now()",
  );
  expect(rows).toEqual([]);
});
