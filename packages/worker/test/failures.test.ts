/** Deliveries that Postgres cannot settle, while it settles others or none. */
import { refuseEvents, UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { cancelWrites, settleOnFailure } from "./faults.ts";
import { createHarness, newEvent, sharedServers } from "./harness.ts";

test("a delivery that Postgres always cancels is snoozed, and the others are settled", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const poison = await refuseEvents(harness.pool, "poison", "query_canceled");
  const worker = await harness.startWorker({ MAX_ATTEMPTS: 1 });

  const batch = await harness.record(newEvent("a"), newEvent("poison"), newEvent("b"));
  await harness.makeNotDue();
  await harness.queue.enqueue(batch);

  await harness.waitForStatuses(batch, ["applied", "open", "applied"]);
  await harness.waitForStatuses(await harness.deliver(newEvent("c")), "applied");
  expect(await worker.waitForLog("delivery-snoozed")).toMatchObject({ deliveryId: batch[1] });
  await worker.waitForReadyz(200);
  expect(worker.logged("postgres-unavailable")).toEqual([]);
  expect(await harness.countRows("failed_attempts")).toBe(0);

  await poison.allow();
  await harness.makeDue();
  await harness.waitForStatuses(batch, "applied");
});

test("a snoozed delivery becomes due within an hour", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  await refuseEvents(harness.pool, "poison", "query_canceled");
  const worker = await harness.startWorker({ MAX_ATTEMPTS: 1 });

  const deliveryIds = await harness.record(newEvent("poison"));
  await harness.makeNotDue();
  await harness.queue.enqueue(deliveryIds);

  await worker.waitForLog("delivery-snoozed");
  const { rows } = await harness.pool.query(
    "select due_at <= now() + interval '1 hour' as within_hour from open_deliveries",
  );
  expect(rows).toEqual([{ within_hour: true }]);
  expect(worker.logged("postgres-unavailable")).toEqual([]);
  expect(await harness.countRows("failed_attempts")).toBe(0);
});

test("a server that answers but completes no write is an outage", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const batch = await harness.record(newEvent("a"), newEvent("b"), newEvent("c"));
  await harness.makeNotDue();
  const cancelled = await cancelWrites(harness.pool);
  const worker = await harness.startWorker({ MAX_ATTEMPTS: 1 });

  await harness.queue.enqueue(batch);

  await worker.waitForLog("postgres-unavailable");
  await worker.waitForReadyz(503);
  expect(worker.logged("delivery-snoozed")).toEqual([]);

  await cancelled.allow();
  await worker.waitForLog("postgres-recovered");
  await harness.waitForCounts({ active: 0, completed: 1 });
  expect(worker.logged("postgres-unavailable")).toHaveLength(1);
  expect(worker.logged("delivery-snoozed").length).toBeLessThanOrEqual(1);
  expect(await harness.countRows("failed_attempts")).toBe(0);
  await harness.makeDue();
  await harness.waitForStatuses(batch, "applied");
});

test("deliveries that need a corrupted page are snoozed, and the others are settled", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const poison = await refuseEvents(harness.pool, "poison", "data_corrupted");
  const worker = await harness.startWorker({ MAX_ATTEMPTS: 1 });

  const batch = await harness.deliver(newEvent("poison"), newEvent("a"), newEvent("poison"));
  await waitFor(() => worker.logged("delivery-snoozed").length === 2);
  expect(await harness.statuses(batch)).toEqual(["open", "applied", "open"]);
  expect(await harness.countRows("failed_attempts")).toBe(0);

  await poison.allow();
  await harness.makeDue();
  await harness.waitForStatuses(batch, "applied");
});

test("a delivery that another worker settled meanwhile is not dead-lettered", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  await refuseEvents(harness.pool, "poison");
  await settleOnFailure(harness.pool);
  const worker = await harness.startWorker({ MAX_ATTEMPTS: 1 });

  const [deliveryId] = await harness.deliver(newEvent("poison"));

  await harness.waitForStatuses([deliveryId!], "applied");
  await harness.waitForCounts({ waiting: 0, active: 0, completed: 1, failed: 0 });
  expect(worker.logged("delivery-dead-lettered")).toEqual([]);
  expect(await (await harness.queue.bullmq()).getJob(`delivery-${deliveryId}`)).toBeUndefined();
});

test("the sweeper goes on while dead letters cannot be sealed", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  await harness.pool.query("alter table seals add constraint refused check (false) not valid");
  const worker = await harness.startWorker();
  await harness.waitForStatuses(await harness.deliver(UNPARSABLE_BODY), "unparsable");
  await worker.waitForLog("sweep-failed");

  const [swept] = await harness.record(newEvent("swept"));
  await harness.makeDue();

  await harness.waitForStatuses([swept!], "applied");
  expect(await harness.countRows("seals")).toBe(0);
});
