import { randomBytes, randomUUID } from "node:crypto";
import { freshDatabase } from "@dossier/testing";
import pg from "pg";
import { expect, test, type TestContext } from "vitest";
import { migrateQueue } from "../src/index.ts";
import { done, eventually, handedOver, opener, reached } from "./harness.ts";

async function emptyDatabase(context: TestContext) {
  const database = await freshDatabase();
  context.onTestFinished(() => database.drop());
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  context.onTestFinished(() => client.end());
  return { url: database.url, client };
}

test("a role that was granted the queue and owns nothing can do all of it, but not change its tables", async (context) => {
  const { url, client } = await emptyDatabase(context);
  const role = `svc-${randomBytes(4).toString("hex")}`;
  await client.query(`create role ${pg.escapeIdentifier(role)} login password 'secret'`);
  await migrateQueue(url, role);
  await migrateQueue(url, role);
  const asService = new URL(url);
  asService.username = role;
  asService.password = "secret";
  const { queue: open, consumer } = opener(context, { databaseUrl: asService.href });
  const queue = open();
  const jobs = handedOver();
  consumer(jobs.process);
  const deliveryId = randomUUID();

  await queue.enqueue([randomUUID()]);
  (await jobs.next()).answer(done);
  await queue.enqueueSingle(deliveryId);
  (await jobs.next()).answer({ kind: "retry", error: "not yet", delayMs: 0 });
  (await jobs.next()).answer({ kind: "failed", error: "never" });
  await reached(queue, "failed", deliveryId);
  await queue.redrive([deliveryId]);
  (await jobs.next()).answer(done);
  await eventually(async () => (await queue.counts()).completed === 2);
  await queue.remove([deliveryId]);

  const service = new pg.Client({ connectionString: asService.href });
  await service.connect();
  await expect(service.query("drop table bullmq.job")).rejects.toThrow("must be owner");
  await expect(service.query("create table bullmq.mine ()")).rejects.toThrow("permission denied");
  await service.end();
  await client.query(`drop owned by ${pg.escapeIdentifier(role)}`);
});

test("what was opened before the migration says so, and works after it", async (context) => {
  const { url } = await emptyDatabase(context);
  const { queue: open, consumer } = opener(context, { databaseUrl: url });
  const queue = open();
  const jobs = handedOver();
  const consuming = consumer(jobs.process);

  expect(await queue.readiness()).toMatchObject({
    ready: false,
    reason: expect.stringContaining("not initialized"),
  });
  await migrateQueue(url);

  await queue.enqueue([randomUUID()]);
  (await jobs.next()).answer(done);
  await eventually(async () => (await consuming.readiness()).ready);
});
