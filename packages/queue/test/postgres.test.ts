import { randomBytes, randomUUID } from "node:crypto";
import { freshDatabase, waitFor } from "@dossier/testing";
import pg from "pg";
import { expect, test, vi, type TestContext } from "vitest";
import { migrateQueue } from "../src/index.ts";
import {
  COMPLETED,
  createHarness,
  manualHandler,
  waitForCounts,
  waitForState,
  waitUntilReady,
} from "./harness.ts";

async function connect(context: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  context.onTestFinished(() => client.end());
  return client;
}

test("a role with the grants of a service can use the queue, but not change its tables", async (context) => {
  const { url, drop } = await freshDatabase();
  context.onTestFinished(() => drop());
  const owner = await connect(context, url);
  const role = `svc-${randomBytes(4).toString("hex")}`;
  await owner.query(`create role ${pg.escapeIdentifier(role)} login password 'secret'`);
  context.onTestFinished(async () => {
    await owner.query(`drop owned by ${pg.escapeIdentifier(role)}`);
    await owner.query(`drop role ${pg.escapeIdentifier(role)}`);
  });
  await migrateQueue(url, [role]);
  await migrateQueue(url, [role]);
  const serviceUrl = new URL(url);
  serviceUrl.username = role;
  serviceUrl.password = "secret";
  const { open, consume } = createHarness(context, { databaseUrl: serviceUrl.href });
  const queue = open();
  const jobs = manualHandler();
  consume(jobs.handle);
  const deliveryId = randomUUID();

  await queue.enqueue([randomUUID()]);
  (await jobs.next()).end(COMPLETED);
  await queue.enqueueSingle(deliveryId);
  (await jobs.next()).end({ kind: "retry", error: "not yet", delayMs: 1 });
  (await jobs.next()).end({ kind: "failed", error: "never" });
  await waitForState(queue, deliveryId, "failed");
  await queue.replaceSingles([deliveryId]);
  (await jobs.next()).end(COMPLETED);
  await waitForCounts(queue, { completed: 2 });
  await queue.remove([deliveryId]);

  const service = await connect(context, serviceUrl.href);
  await expect(service.query("drop table bullmq.job")).rejects.toThrow("must be owner");
  await expect(service.query("create table bullmq.mine ()")).rejects.toThrow("permission denied");
});

test("what was opened before the migration says so, and works after it", async (context) => {
  const { url, drop } = await freshDatabase();
  context.onTestFinished(() => drop());
  const { open, consume, errors } = createHarness(context, { databaseUrl: url });
  const queue = open();
  const jobs = manualHandler();
  const consumer = consume(jobs.handle);

  await expect(queue.counts()).rejects.toThrow("not initialized");
  await expect(consumer.checkReady()).rejects.toThrow("no answer within 1000 ms");
  expect(errors).toContainEqual(expect.objectContaining({ code: "42P01" }));
  await migrateQueue(url);

  await queue.enqueue([randomUUID()]);
  (await jobs.next()).end(COMPLETED);
  await waitUntilReady(consumer);
  await waitForCounts(queue, { completed: 1 });
});

test("no connection is used for longer than ten minutes, and jobs go on", async (context) => {
  shortenTenMinutes(context);
  const { url, drop } = await freshDatabase({ name: "queue", make: migrateQueue });
  context.onTestFinished(() => drop());
  const observer = await connect(context, url);
  const { open, consume, errors } = createHarness(context, { databaseUrl: url });
  const queue = open();
  const jobs = manualHandler();
  // Longer than the test: a job is found by the notification that the new connection gets.
  const consumer = consume(jobs.handle, { askIntervalMs: 300_000, silence: NEVER_SILENT });
  await waitUntilReady(consumer);
  await queue.enqueue([randomUUID()]);
  (await jobs.next()).end(COMPLETED);

  const pids = async () => {
    const { rows } = await observer.query<{ pid: number }>(
      `select pid from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    );
    return rows.map(({ pid }) => pid);
  };
  const first = await pids();
  expect(first.length).toBeGreaterThan(1);
  await waitFor(pids, (later) => expect(later.filter((pid) => first.includes(pid))).toEqual([]));
  await queue.enqueue([randomUUID()]);
  (await jobs.next()).end(COMPLETED);
  await waitForCounts(queue, { completed: 2 });
  expect(errors).toEqual([]);
});

const NEVER_SILENT = { replaceAfterMs: 600_001, giveUpAfterMs: 600_001 };

/** Timers of ten minutes end after a second. */
function shortenTenMinutes(context: TestContext): void {
  const set = setTimeout;
  const spy = vi
    .spyOn(globalThis, "setTimeout")
    .mockImplementation((run: () => void, ms?: number) => set(run, ms === 600_000 ? 1_000 : ms));
  context.onTestFinished(() => spy.mockRestore());
}
