/** What becomes of a delivery, with the queue on either backend: see docs/outcomes.md. */
import { randomUUID } from "node:crypto";
import { migrateQueue } from "@dossier/queue";
import { findDeadLetter, migrate } from "@dossier/store";
import { eventBody, invalidBody, refuseEvents, UNPARSABLE_BODY } from "@dossier/store/fixtures";
import { freshDatabase, waitFor } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { createHarness, newEvent, sharedServers } from "./harness.ts";

const BACKENDS = {
  redis: sharedServers,
  async postgres(context: TestContext) {
    const make = async (url: string) => {
      await migrate(url);
      await migrateQueue(url);
    };
    const database = await freshDatabase({ name: "worker_and_queue", make });
    context.onTestFinished(() => database.drop());
    return { databaseUrl: database.url, redisUrl: undefined };
  },
};

const known = eventBody("a");
const unknownType = eventBody("a", { event: "NaturalPersonAscended" });
const conflicting = eventBody("a", { data: { entity: "Somebody Else" } });

describe.each(Object.entries(BACKENDS))("with the queue on %s", (_name, start) => {
  test("each delivery of a batch gets its own outcome", async (context) => {
    const harness = await createHarness(context, start(context));
    const first = await harness.deliver(known);
    await harness.startWorker();
    await harness.waitForStatuses(first, "applied");

    const batch = await harness.deliver(unknownType, known, conflicting, UNPARSABLE_BODY, invalidBody());

    await harness.waitForStatuses(batch, [
      "applied",
      "duplicate",
      "conflicting-duplicate",
      "unparsable",
      "invalid-event",
    ]);
    const { rows } = await harness.pool.query("select state ->> 'name' as name from natural_persons");
    expect(rows).toEqual([{ name: "John Doe" }]);
  });

  test("a dead letter of a batch gets a failed job of its own, and no other delivery does", async (context) => {
    const harness = await createHarness(context, start(context));
    const first = await harness.deliver(known);
    await harness.startWorker();
    await harness.waitForStatuses(first, "applied");

    const [, , ...deadLettered] = await harness.deliver(
      unknownType,
      known,
      conflicting,
      UNPARSABLE_BODY,
      invalidBody(),
    );

    for (const [i, reason] of ["conflicting-duplicate", "unparsable", "invalid-event"].entries())
      expect(await harness.waitForSingle(deadLettered[i]!, "failed")).toContain(`${reason}: `);
    await harness.waitForCounts({ waiting: 0, active: 0, delayed: 0, failed: 3 });
  });

  test("a dead letter names the fields that are wrong", async (context) => {
    const harness = await createHarness(context, start(context));
    await harness.startWorker();

    const [deliveryId] = await harness.deliver(invalidBody());

    await harness.waitForStatuses([deliveryId!], "invalid-event");
    const history = await findDeadLetter(harness.pool, deliveryId!);
    expect(history?.deadLetters[0]?.issues).toMatchObject([{ path: "id" }]);
  });

  test("a delivery that fails takes no other of its batch with it", async (context) => {
    const harness = await createHarness(context, start(context));
    await refuseEvents(harness.pool, "poison");

    const batch = await harness.deliver(newEvent("a"), newEvent("poison"), newEvent("b"));
    const worker = await harness.startWorker({ MAX_ATTEMPTS: 1 });

    await harness.waitForStatuses(batch, ["applied", "fold-failed", "applied"]);
    expect(await worker.waitForLog("delivery-dead-lettered")).toMatchObject({ deliveryId: batch[1] });
  });

  test("a delivery that fails is retried, and dead-lettered with each attempt on record", async (context) => {
    const harness = await createHarness(context, start(context));
    await refuseEvents(harness.pool, "poison");

    const [deliveryId] = await harness.deliver(newEvent("poison"), newEvent("a"));
    const worker = await harness.startWorker({ MAX_ATTEMPTS: 3 });

    await harness.waitForStatuses([deliveryId!], "fold-failed");
    expect(await harness.waitForSingle(deliveryId!, "failed")).toContain("fold-failed: ");
    const history = await findDeadLetter(harness.pool, deliveryId!);
    expect(history).toMatchObject({
      status: "dead-lettered",
      failedAttempts: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }],
      deadLetters: [
        { reason: "fold-failed", message: expect.stringContaining("attempts failed: 3"), entityId: "poison" },
      ],
    });
    for (const { error, stack, codeVersion, failedAt } of history!.failedAttempts) {
      expect(error).toBe('DatabaseError 22023: broken by "…"');
      expect(stack).toContain("store/src/log");
      expect(codeVersion).toMatch(/^\d/);
      expect(failedAt).toMatch(/Z$/);
    }
    expect(worker.logged("delivery-failed")).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(worker.logged("delivery-dead-lettered")).toMatchObject([{ deliveryId, reason: "fold-failed" }]);
    expect(worker.text()).not.toContain("John Doe");
  });

  test("what an unexpected error says is in its attempt's record alone, in no job and no log line", async (context) => {
    const harness = await createHarness(context, start(context));
    await refuseEvents(harness.pool, "poison", "P0001");

    const [deliveryId] = await harness.deliver(newEvent("poison"), newEvent("a"));
    const worker = await harness.startWorker({ MAX_ATTEMPTS: 2 });

    const reason = await harness.waitForSingle(deliveryId!, "failed");
    expect(reason).toBe("fold-failed: attempts failed: 2, the last one with DatabaseError P0001");
    const history = await findDeadLetter(harness.pool, deliveryId!);
    expect(history?.failedAttempts[0]?.error).toContain("John Doe");
    const job = await (await harness.queue.bullmq()).getJob(`delivery-${deliveryId}`);
    expect(JSON.stringify(job)).toContain("P0001");
    expect(JSON.stringify(job) + worker.text()).not.toContain("John Doe");
    expect(worker.logged("delivery-failed")).toMatchObject([{ error: "DatabaseError P0001" }]);
  });

  test("an attempt that succeeds after others failed leaves no dead letter", async (context) => {
    const harness = await createHarness(context, start(context));
    const poison = await refuseEvents(harness.pool, "poison");
    const [deliveryId] = await harness.deliver(newEvent("poison"));
    await harness.startWorker({ MAX_ATTEMPTS: 8 });
    await waitFor(async () => (await harness.countRows("failed_attempts")) > 0);

    await poison.allow();

    await harness.waitForStatuses([deliveryId!], "applied");
    await harness.waitForSingle(deliveryId!, "completed");
    expect(await harness.countRows("dead_letters")).toBe(0);
  });

  test("the sweeper enqueues a delivery without a job once it is due", async (context) => {
    const harness = await createHarness(context, start(context));
    const deliveryIds = await harness.record(newEvent("a"), newEvent("b"), UNPARSABLE_BODY);
    await harness.makeDue();

    const worker = await harness.startWorker();

    await harness.waitForStatuses(deliveryIds, ["applied", "applied", "unparsable"]);
    expect(await worker.waitForLog("swept")).toMatchObject({ deliveries: 3 });
  });

  test("a worker seals dead letters after their commit", async (context) => {
    const harness = await createHarness(context, start(context));
    await harness.startWorker();
    const deliveryIds = await harness.deliver(UNPARSABLE_BODY);
    await harness.waitForStatuses(deliveryIds, "unparsable");
    await waitFor(
      () => harness.countRows("seals"),
      (seals) => expect(seals).toBe(1),
    );
    expect(await harness.countRows("unsealed")).toBe(0);
  });

  test("the metrics show what waits, since when, and how long the way to a state was", async (context) => {
    const harness = await createHarness(context, start(context));
    const deadLettered = await harness.deliver(UNPARSABLE_BODY);
    const worker = await harness.startWorker();
    await harness.waitForStatuses(deadLettered, "unparsable");
    await harness.waitForStatuses(await harness.deliver(newEvent("a")), "applied");
    await harness.record(newEvent("a"), newEvent("b"));
    await harness.makeNotDue();

    await waitFor(
      () => worker.metric('dossier_queue_jobs{state="failed"}'),
      (failed) => expect(failed).toBe(1),
    );
    expect(await worker.metric("dossier_open_deliveries")).toBe(2);
    expect(await worker.metric("dossier_oldest_open_delivery_seconds")).toBeGreaterThan(0);
    expect(await worker.metric("dossier_last_webhook_seconds")).toBeGreaterThan(0);
    expect(await worker.metric('dossier_dead_letters{reason="unparsable"}')).toBe(1);
    expect(await worker.metric("dossier_receipt_to_state_seconds_count")).toBe(1);
    expect(await worker.metric("dossier_postgres_connections_used_ratio")).toBeGreaterThan(0);
    expect(await worker.metric('dossier_pool_connections{service="worker",state="waiting"}')).toBe(0);
  });
});

test("a second full batch is settled beside one that waits for Postgres", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  await harness.startWorker();
  await harness.waitForStatuses(await harness.deliver(newEvent("held")), "applied");
  const holder = await harness.pool.connect();
  context.onTestFinished(() => holder.release());
  await holder.query("begin");
  await holder.query("select from streams where entity_id = 'held' for update");

  const fullBatch = (person: string) => Array.from({ length: 500 }, () => newEvent(person));
  const waiting = await harness.deliver(...fullBatch("held"));
  await waitFor(
    () =>
      harness.pool.query(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      ),
    ({ rowCount }) => expect(rowCount).toBe(1),
  );
  const beside = await harness.deliver(...fullBatch("other"));

  await harness.waitForStatuses(beside, "applied");
  expect(await harness.statuses(waiting)).toEqual(waiting.map(() => "open"));
  await holder.query("rollback");
  await harness.waitForStatuses(waiting, "applied");
});

test("deliveries that the database never had are counted and logged, and delay no others", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const worker = await harness.startWorker();
  const [known = ""] = await harness.record(newEvent("a"));
  const unknown = Array.from({ length: 200 }, (_, i) => (i % 2 === 0 ? randomUUID() : `forged ${i}`));

  await harness.queue.enqueue([...unknown, known]);

  await harness.waitForStatuses([known], "applied");
  await harness.waitForCounts({ active: 0, waiting: 0, delayed: 0, completed: 1 });
  expect(await worker.metric('dossier_deliveries_total{outcome="unknown"}')).toBe(200);
  expect(worker.logged("unknown-delivery").length).toBeLessThan(10);
  expect(worker.logged("unknown-delivery")[0]).toMatchObject({ deliveryId: unknown[0] });
  expect(await harness.countRows("failed_attempts")).toBe(0);
});

test("each delivery that is settled has a line at debug, with its outcome and nothing of the person", async (context) => {
  const harness = await createHarness(context, sharedServers(context));
  const worker = await harness.startWorker();
  const body = newEvent("canary-person");
  const deliveryIds = await harness.deliver(body, body);

  await waitFor(
    () => worker.logged("delivery-settled").map(({ deliveryId, outcome }) => [deliveryId, outcome]),
    (lines) =>
      expect(new Map(lines as [string, string][])).toEqual(
        new Map([
          [deliveryIds[0], "applied"],
          [deliveryIds[1], "duplicate"],
        ]),
      ),
  );
  expect(worker.text()).not.toContain("canary");
});
