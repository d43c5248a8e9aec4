/** Workers as processes of their own: killed, shut down, several at a time, with a wrong clock. */
import { findDeadLetter } from "@dossier/store";
import { refuseEvents, UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { needs, startProxy, startRedis, waitFor } from "@dossier/testing";
import { expect, test, type TestContext } from "vitest";
import { blockInserts, sendToRedis } from "./faults.ts";
import { createHarness, newEvent, sharedServers, spawnWorker, type Servers } from "./harness.ts";

/** See `maxStalls` in the fixture. */
const MAX_STALLS = 1;

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

const CRASHES_READING = `data:text/javascript,${encodeURIComponent(`
  const { decode } = TextDecoder.prototype;
  TextDecoder.prototype.decode = function (...bytes) {
    const text = decode.apply(this, bytes);
    if (text.includes("lethal")) process.kill(process.pid, "SIGKILL");
    return text;
  };`)}`;

/** Starts a worker that crashes when it reads a delivery of the person `lethal`. */
function spawnCrashing(context: TestContext, servers: Servers) {
  return spawnWorker(context, servers, { execArgv: ["--import", CRASHES_READING] });
}

/** Starts workers, one after the other, that crash by a delivery as often as it may stall, and once more. */
async function crashRepeatedly(context: TestContext, servers: Servers): Promise<void> {
  for (let stalls = 0; stalls <= MAX_STALLS; stalls += 1)
    expect(await spawnCrashing(context, servers).ended).toMatchObject({ signal: "SIGKILL" });
}

test("a delivery that kills its workers is dead-lettered unread, with a failed job", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const [deliveryId = ""] = await harness.record(newEvent("lethal"));
  await harness.makeNotDue();
  await harness.queue.enqueueSingle(deliveryId);
  await crashRepeatedly(context, servers);

  const survivor = spawnCrashing(context, servers);

  await harness.waitForStatuses([deliveryId], "stalled");
  expect(await harness.waitForSingle(deliveryId, "failed")).toContain("stalled: ");
  expect(await findDeadLetter(harness.pool, deliveryId)).toMatchObject({ deadLetters: [{ entityId: null }] });
  expect(await survivor.end("SIGTERM")).toMatchObject({ code: 0, signal: null });
});

test("the other deliveries of a batch that kills its workers are settled", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const batch = await harness.record(newEvent("a"), newEvent("lethal"), newEvent("b"));
  await harness.makeNotDue();
  await harness.queue.enqueue(batch);
  await crashRepeatedly(context, servers);
  await harness.waitForStatuses(batch, ["applied", "open", "open"]);

  spawnCrashing(context, servers);

  await harness.waitForStatuses(batch, ["applied", "stalled", "applied"]);
  expect(await harness.countRows("dead_letters")).toBe(1);
});

test("a stall counter that was forged in Redis dead-letters nothing", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const poison = await refuseEvents(harness.pool, "poison");
  const deliveryIds = await harness.record(newEvent("a"), newEvent("poison"));
  for (const deliveryId of deliveryIds) {
    await harness.queue.enqueueSingle(deliveryId);
    const key = (await harness.queue.bullmq()).toKey(`delivery-${deliveryId}`);
    await sendToRedis(servers.redisUrl, "HSET", key, "stc", "1000000");
  }

  const worker = spawnWorker(context, servers, { env: { MAX_ATTEMPTS: "100" } });

  // Each failed attempt is an end, so that the count of stalls begins again.
  await waitFor(async () => (await harness.countRows("failed_attempts")) > MAX_STALLS + 1);
  await harness.waitForStatuses(deliveryIds, ["applied", "open"]);
  await worker.waitForLog("job-stalled");
  await poison.allow();
  await harness.waitForStatuses(deliveryIds, "applied");
  expect(await harness.countRows("dead_letters")).toBe(0);
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
  expect(await leaving.waitForLog("deliveries-settled")).toMatchObject({ level: "info", applied: 2 });
  await harness.waitForStatuses([...inFlight, ...waiting], ["applied", "applied", "open"]);
  expect(await harness.queue.counts()).toMatchObject({ active: 0, waiting: 1, completed: 1 });

  spawnWorker(context, servers);
  await harness.waitForStatuses(waiting, "applied");
});

test("a worker that the queue never answers exits with 1, and an idle one goes on", async (context) => {
  const servers = await sharedServers(context);
  const harness = await createHarness(context, servers);
  const [snoozed = ""] = await harness.record(newEvent("a"));
  await harness.pool.query("update open_deliveries set snoozed_until = now() + interval '1 hour'");
  await harness.makeNotDue();
  await harness.queue.enqueueSingle(snoozed, { delayMs: 3_600_000 });
  const proxy = await startProxy({ target: servers.redisUrl });
  context.onTestFinished(() => proxy.close());
  const [idle, silenced] = [servers.redisUrl, proxy.url].map((redisUrl) =>
    spawnWorker(context, { ...servers, redisUrl }, { fixture: "impatient-worker.ts" }),
  );
  const idleWorker = await idle!.started();
  await (await silenced!.started()).waitForReadyz(200);

  proxy.apply({ kind: "black-hole" });

  expect(await silenced!.ended).toMatchObject({ code: 1, signal: null });
  await silenced!.waitForLog("queue-silent");
  await silenced!.waitForLog("queue-lost");
  expect(idleWorker.logged("queue-silent")).toEqual([]);
  await idleWorker.waitForReadyz(200);
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

test("a delivery whose job was lost an hour ago is enqueued by a worker that runs since", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  await harness.startWorker();
  const first = await harness.record(newEvent("first"));
  await harness.makeDue();
  await harness.waitForStatuses(first, "applied");

  const lost = await harness.record(newEvent("lost"));
  await harness.pool.query("update open_deliveries set due_at = now() - interval '1 hour'");
  await waitFor(
    () => harness.statuses(lost),
    (statuses) => expect(statuses).toEqual(["applied"]),
  );
});
