import { createLogger } from "@dossier/service";
import { listInstances, openPool, readMinutes, type InstanceSummary, type Pool } from "@dossier/store";
import { UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { captureLog, waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { runRemoval } from "../src/report.ts";
import { createHarness, newEvent, sharedServers, spawnWorker } from "./harness.ts";

const HOUR = 36_000_000_000n;

test("a worker reports itself, the outcomes of its deliveries, and that it has stopped", async (context) => {
  const servers = await sharedServers(context);
  const { pool, deliver, waitForStatuses } = await createHarness(context, servers);
  const worker = spawnWorker(context, servers);
  await worker.started();
  const alive = await waitFor(() => onlyInstance(pool));
  expect(alive).toMatchObject({ service: "worker", pid: worker.pid, state: "alive" });

  const event = newEvent("a");
  const ids = await deliver(event, event, UNPARSABLE_BODY);
  await waitForStatuses(ids, ["applied", "duplicate", "unparsable"]);
  expect(await worker.end("SIGTERM")).toMatchObject({ code: 0 });
  expect(await onlyInstance(pool)).toMatchObject({
    instanceId: alive.instanceId,
    state: "stopped",
    pausedBecause: null,
  });
  expect(await sumOutcomes(pool)).toMatchObject({ applied: 1, duplicate: 1, "dead-lettered": 1 });
});

test("workers remove the reports of instances that were last seen more than 30 days ago", async (context) => {
  const { pool, startWorker } = await createHarness(context, sharedServers(context));
  await pool.query(
    `insert into instances (instance_id, service, version, host, pid, started_at, last_seen_at, stopped, jobs, rate)
     select gen_random_uuid(), 'ingest', '1', 'h', 1, seen, seen, false, 0, 0 from (select now() - interval '31 days' as seen)`,
  );
  await startWorker();
  await waitFor(
    async () => (await listInstances(pool, { limit: 9 })).items.map(({ service }) => service),
    (services) => expect(services).toEqual(["worker"]),
  );
});

test("a removal of old rows that fails has a log line of its own", async () => {
  const output = captureLog();
  const log = createLogger({ service: "worker", level: "info", destination: output });
  const shutdown = new AbortController();
  const pool = openPool("postgres://127.0.0.1:1/none", { name: "test", size: 1 });
  const removing = runRemoval(pool, log, shutdown.signal);
  const line = await waitFor(() => output.logged("removal-failed")[0]);
  expect(line).toMatchObject({ err: { code: "ECONNREFUSED" } });
  shutdown.abort();
  await removing;
  await pool.end();
});

test("a worker without its queue says why it is paused", async (context) => {
  const { databaseUrl } = await sharedServers(context);
  // Nothing listens there.
  const servers = { databaseUrl, redisUrl: "redis://127.0.0.1:1" };
  const { pool, startWorker } = await createHarness(context, servers);
  await startWorker();
  const paused = await waitFor(() => onlyInstance(pool));
  expect(paused).toMatchObject({ state: "alive", pausedBecause: "queue-unavailable", jobs: 0 });
});

test("a worker whose reports fail settles deliveries, and is ready", async (context) => {
  const { pool, deliver, startWorker, waitForStatuses } = await createHarness(
    context,
    sharedServers(context),
  );
  await pool.query("alter table instances add constraint refused check (false) not valid");
  const worker = await startWorker();
  await worker.waitForLog("report-failed");
  await waitForStatuses(await deliver(newEvent("a")), "applied");
  await worker.waitForReadyz(200);
  expect(worker.logged("report-failed")).toHaveLength(1);
});

async function onlyInstance(pool: Pool): Promise<InstanceSummary | undefined> {
  return (await listInstances(pool, { limit: 2 })).items[0];
}

/** Sums the outcomes, and checks that the time to state was counted for each delivery that was applied. */
async function sumOutcomes(pool: Pool): Promise<Record<string, number>> {
  const now = BigInt(Date.now()) * 10_000n;
  const minutes = await readMinutes(pool, { from: now - HOUR, to: now + HOUR });
  const sums: Record<string, number> = {};
  for (const { outcomes, receiptToStateMs } of minutes) {
    expect(receiptToStateMs !== null).toBe("applied" in outcomes);
    for (const [outcome, count] of Object.entries(outcomes)) sums[outcome] = (sums[outcome] ?? 0) + count;
  }
  return sums;
}
