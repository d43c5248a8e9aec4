/** What becomes of a delivery, with the queue on either backend: see docs/outcomes.md. */
import { migrateQueue } from "@dossier/queue";
import { encode, payload } from "@dossier/simulator";
import { findDeadLetter, migrate } from "@dossier/store";
import { freshDatabase, waitFor } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import { poisonPerson } from "./faults.ts";
import {
  countRows,
  createHarness,
  event,
  makeDue,
  makeNotDue,
  sharedServers,
  waitForCounts,
  waitForOutcomes,
  waitForSingle,
} from "./harness.ts";

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

const known = event("a", "1");
const undocumented = encode(payload({ event: "NaturalPersonAscended", entityId: "a", id: "2" }));
const conflicting = event("a", "1", { entity: "Somebody Else" });
const unparsable = Buffer.from("{not json");
const invalid = encode({ ...payload({ event: "NaturalPersonPending" }), creationTimeUtc: "yesterday" });

describe.each(Object.entries(BACKENDS))("with the queue on %s", (_name, start) => {
  test("each delivery of a batch gets its own outcome", async (context) => {
    const { pool, deliver, startWorker } = createHarness(context, await start(context));
    const first = await deliver(known);
    await startWorker();
    await waitForOutcomes(pool, first, "applied");

    const batch = await deliver(undocumented, known, conflicting, unparsable, invalid);

    await waitForOutcomes(pool, batch, [
      "applied",
      "duplicate",
      "conflicting-duplicate",
      "unparsable",
      "invalid-event",
    ]);
    const { rows } = await pool.query("select state ->> 'name' as name from natural_persons");
    expect(rows).toEqual([{ name: "John Doe" }]);
  });

  test("a dead letter of a batch gets a failed job of its own, and no other delivery does", async (context) => {
    const { pool, queue, deliver, startWorker } = createHarness(context, await start(context));
    const first = await deliver(known);
    await startWorker();
    await waitForOutcomes(pool, first, "applied");

    const [, , ...deadLettered] = await deliver(undocumented, known, conflicting, unparsable, invalid);

    for (const [i, reason] of ["conflicting-duplicate", "unparsable", "invalid-event"].entries())
      expect(await waitForSingle(queue, deadLettered[i]!, "failed")).toContain(`${reason}: `);
    await waitForCounts(queue, { waiting: 0, active: 0, delayed: 0, failed: 3 });
  });

  test("a dead letter names the fields that are wrong", async (context) => {
    const { pool, deliver, startWorker } = createHarness(context, await start(context));
    await startWorker();

    const [deliveryId] = await deliver(invalid);

    await waitForOutcomes(pool, [deliveryId!], "invalid-event");
    const history = await findDeadLetter(pool, deliveryId!);
    expect(history?.deadLetters[0]?.issues).toMatchObject([{ path: "creationTimeUtc" }]);
  });

  test("a delivery that fails takes no other of its batch with it", async (context) => {
    const { pool, deliver, startWorker } = createHarness(context, await start(context));
    await poisonPerson(pool);

    const batch = await deliver(event("a"), event("poison"), event("b"));
    const worker = await startWorker({ MAX_ATTEMPTS: 1 });

    await waitForOutcomes(pool, batch, ["applied", "fold-failed", "applied"]);
    expect(worker.logged("delivery-dead-lettered")).toMatchObject([{ deliveryId: batch[1] }]);
  });

  test("a delivery that fails is retried, and dead-lettered with each attempt on record", async (context) => {
    const { pool, queue, deliver, startWorker } = createHarness(context, await start(context));
    await poisonPerson(pool);

    const [deliveryId] = await deliver(event("poison"), event("a"));
    const worker = await startWorker({ MAX_ATTEMPTS: 3 });

    await waitForOutcomes(pool, [deliveryId!], "fold-failed");
    expect(await waitForSingle(queue, deliveryId!, "failed")).toContain("fold-failed: ");
    const history = await findDeadLetter(pool, deliveryId!);
    expect(history).toMatchObject({
      outcome: "dead-lettered",
      attempts: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }],
      deadLetters: [
        { reason: "fold-failed", message: expect.stringContaining("failed 3 times"), entityId: "poison" },
      ],
    });
    for (const { error, stack, codeVersion, failedAt } of history!.attempts) {
      expect(error).toBe('DatabaseError 22023: this fold "…" is broken');
      expect(stack).toContain("store/src/log");
      expect(codeVersion).toMatch(/^\d/);
      expect(failedAt).toMatch(/Z$/);
    }
    expect(worker.logged("delivery-failed")).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
    expect(worker.logged("delivery-dead-lettered")).toMatchObject([{ deliveryId, reason: "fold-failed" }]);
    expect(JSON.stringify(worker.lines)).not.toContain("John Doe");
  });

  test("an attempt that succeeds after others failed leaves no dead letter", async (context) => {
    const { pool, queue, deliver, startWorker } = createHarness(context, await start(context));
    const poison = await poisonPerson(pool);
    const [deliveryId] = await deliver(event("poison"));
    await startWorker({ MAX_ATTEMPTS: 8 });
    await waitFor(async () => (await countRows(pool, "failed_attempts")) > 0);

    await poison.remove();

    await waitForOutcomes(pool, [deliveryId!], "applied");
    await waitForSingle(queue, deliveryId!, "completed");
    expect(await countRows(pool, "dead_letters")).toBe(0);
  });

  test("the sweeper enqueues a delivery without a job once it is due", async (context) => {
    const { pool, record, startWorker } = createHarness(context, await start(context));
    const deliveryIds = await record(event("a"), event("b"), unparsable);
    await makeDue(pool);

    const worker = await startWorker();

    await waitForOutcomes(pool, deliveryIds, ["applied", "applied", "unparsable"]);
    expect(worker.logged("swept")).toMatchObject([{ deliveries: 3 }]);
  });

  test("the metrics show what waits: open deliveries and their age, jobs, dead letters", async (context) => {
    const { pool, deliver, record, startWorker } = createHarness(context, await start(context));
    const deadLettered = await deliver(unparsable);
    const worker = await startWorker();
    await waitForOutcomes(pool, deadLettered, "unparsable");
    await record(event("a"), event("b"));
    await makeNotDue(pool);

    await waitFor(
      () => worker.metric('dossier_queue_jobs{state="failed"}'),
      (failed) => expect(failed).toBe(1),
    );
    expect(await worker.metric("dossier_open_deliveries")).toBe(2);
    expect(await worker.metric("dossier_oldest_open_delivery_seconds")).toBeGreaterThan(0);
    expect(await worker.metric('dossier_dead_letters{reason="unparsable"}')).toBe(1);
  });
});
