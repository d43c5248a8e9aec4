/** Deliveries that Postgres cannot settle, while it settles others or none. */
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { cancelWrites, poisonPerson, settleOnFailure } from "./faults.ts";
import {
  countRows,
  createHarness,
  event,
  makeDue,
  makeNotDue,
  outcomesOf,
  sharedServers,
  waitForCounts,
  waitForOutcomes,
} from "./harness.ts";

test("a delivery that Postgres always cancels is snoozed, and the others are settled", async (context) => {
  const { pool, queue, record, deliver, startWorker } = createHarness(context, await sharedServers(context));
  const poison = await poisonPerson(pool, "query_canceled");
  const worker = await startWorker({ MAX_ATTEMPTS: 1 });

  const batch = await record(event("a"), event("poison"), event("b"));
  await makeNotDue(pool);
  await queue.enqueue(batch);

  await waitForOutcomes(pool, batch, ["applied", "open", "applied"]);
  await waitForOutcomes(pool, await deliver(event("c")), "applied");
  expect(await worker.waitForLog("delivery-snoozed")).toMatchObject({ deliveryId: batch[1] });
  await worker.waitForReadyz(200);
  expect(worker.logged("postgres-unavailable")).toEqual([]);
  expect(await countRows(pool, "failed_attempts")).toBe(0);

  await poison.remove();
  await makeDue(pool);
  await waitForOutcomes(pool, batch, "applied");
});

test("a snoozed delivery becomes due within an hour", async (context) => {
  const { pool, queue, record, startWorker } = createHarness(context, await sharedServers(context));
  await poisonPerson(pool, "query_canceled");
  const worker = await startWorker({ MAX_ATTEMPTS: 1 });

  const deliveryIds = await record(event("poison"));
  await makeNotDue(pool);
  await queue.enqueue(deliveryIds);

  await worker.waitForLog("delivery-snoozed");
  const { rows } = await pool.query(
    "select due_at <= now() + interval '1 hour' as within_hour from open_deliveries",
  );
  expect(rows).toEqual([{ within_hour: true }]);
  expect(worker.logged("postgres-unavailable")).toEqual([]);
  expect(await countRows(pool, "failed_attempts")).toBe(0);
});

test("a server that answers but completes no write is an outage", async (context) => {
  const { pool, queue, record, startWorker } = createHarness(context, await sharedServers(context));
  const batch = await record(event("a"), event("b"), event("c"));
  await makeNotDue(pool);
  const cancelled = await cancelWrites(pool);
  const worker = await startWorker({ MAX_ATTEMPTS: 1 });

  await queue.enqueue(batch);

  await worker.waitForLog("postgres-unavailable");
  await worker.waitForReadyz(503);
  expect(worker.logged("delivery-snoozed")).toEqual([]);

  await cancelled.remove();
  await worker.waitForLog("postgres-recovered");
  await waitForCounts(queue, { active: 0, completed: 1 });
  expect(worker.logged("postgres-unavailable")).toHaveLength(1);
  expect(worker.logged("delivery-snoozed").length).toBeLessThanOrEqual(1);
  expect(await countRows(pool, "failed_attempts")).toBe(0);
  await makeDue(pool);
  await waitForOutcomes(pool, batch, "applied");
});

test("deliveries that need a corrupted page are snoozed, and the others are settled", async (context) => {
  const { pool, deliver, startWorker } = createHarness(context, await sharedServers(context));
  const poison = await poisonPerson(pool, "data_corrupted");
  const worker = await startWorker({ MAX_ATTEMPTS: 1 });

  const batch = await deliver(event("poison"), event("a"), event("poison"));
  await waitFor(() => worker.logged("delivery-snoozed").length === 2);
  expect(await outcomesOf(pool, batch)).toEqual(["open", "applied", "open"]);
  expect(await countRows(pool, "failed_attempts")).toBe(0);

  await poison.remove();
  await makeDue(pool);
  await waitForOutcomes(pool, batch, "applied");
});

test("a delivery that another worker settled meanwhile is not dead-lettered", async (context) => {
  const { pool, queue, deliver, startWorker } = createHarness(context, await sharedServers(context));
  await poisonPerson(pool);
  await settleOnFailure(pool);
  const worker = await startWorker({ MAX_ATTEMPTS: 1 });

  const [deliveryId] = await deliver(event("poison"));

  await waitForOutcomes(pool, [deliveryId!], "applied");
  await waitForCounts(queue, { waiting: 0, active: 0, completed: 1, failed: 0 });
  expect(worker.logged("delivery-dead-lettered")).toEqual([]);
  expect(await queue.bullmq.getJob(`delivery-${deliveryId}`)).toBeUndefined();
});
