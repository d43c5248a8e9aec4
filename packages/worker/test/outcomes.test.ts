import { migrateQueue } from "@dossier/queue";
import { encode, payload } from "@dossier/simulator";
import { findDeadLetter, migrate } from "@dossier/store";
import { freshDatabase } from "@dossier/testing";
import { describe, expect, test, type TestContext } from "vitest";
import {
  due,
  event,
  notDue,
  openWorkshop,
  ownJob,
  poisonPerson,
  settled,
  sharedServers,
  eventually,
} from "./workshop.ts";

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

const unparsable = Buffer.from("{not json");
const invalid = encode({ ...payload({ event: "NaturalPersonPending" }), creationTimeUtc: "yesterday" });

describe.each(Object.entries(BACKENDS))("with the queue on %s", (_name, start) => {
  test("each delivery of a batch ends as the table of outcomes says, the dead ones with a failed job of their own", async (context) => {
    const { pool, queue, deliver, hire } = openWorkshop(context, await start(context));
    const known = event("a", "1");
    const unknownType = encode(payload({ event: "NaturalPersonAscended", entityId: "a", id: "2" }));
    const conflicting = event("a", "1", { entity: "Somebody Else" });

    const first = await deliver(known);
    await hire();
    await settled(pool, first, "applied");
    const rest = await deliver(unknownType, known, conflicting, unparsable, invalid);
    await settled(pool, rest, [
      "applied",
      "duplicate",
      "conflicting-duplicate",
      "unparsable",
      "invalid-event",
    ]);

    const [, , ...dead] = rest;
    for (const [i, reason] of ["conflicting-duplicate", "unparsable", "invalid-event"].entries()) {
      await eventually(() => ownJob(queue, dead[i]!)).toMatchObject({
        state: "failed",
        reason: expect.stringContaining(`${reason}: `),
      });
    }
    await eventually(() => queue.counts()).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 3 });
    const story = await findDeadLetter(pool, dead[2]!);
    expect(story?.deadLetters[0]?.issues).toMatchObject([{ path: "creationTimeUtc" }]);
    const { rows } = await pool.query("select state ->> 'name' as name from natural_persons");
    expect(rows).toEqual([{ name: "John Doe" }]);
  });

  test("a delivery that fails takes no other with it, is tried again alone, and dies with every attempt on record", async (context) => {
    const { pool, queue, deliver, hire } = openWorkshop(context, await start(context));
    const poison = await poisonPerson(pool);

    const [good, bad, alsoGood] = await deliver(event("a"), event("poison"), event("b"));
    const { lines } = await hire({ MAX_ATTEMPTS: 3 });

    await settled(pool, [good!, bad!, alsoGood!], ["applied", "fold-failed", "applied"]);
    await eventually(() => ownJob(queue, bad!)).toMatchObject({ state: "failed" });
    const story = await findDeadLetter(pool, bad!);
    expect(story).toMatchObject({
      outcome: "dead-lettered",
      attempts: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }],
      deaths: [
        { reason: "fold-failed", message: expect.stringContaining("failed 3 times"), entityId: "poison" },
      ],
    });
    for (const { error, stack, codeVersion, failedAt } of story!.attempts) {
      expect(error).toBe('DatabaseError 22023: this fold "…" is broken');
      expect(stack).toContain("store/src/log");
      expect(codeVersion).toMatch(/^\d/);
      expect(failedAt).toMatch(/Z$/);
    }
    expect(JSON.stringify(lines)).not.toContain("John Doe");
    await poison.mend();
  });

  test("an attempt that succeeds after others failed leaves no dead letter", async (context) => {
    const { pool, queue, deliver, hire } = openWorkshop(context, await start(context));
    const poison = await poisonPerson(pool);
    const [bad] = await deliver(event("poison"));
    await hire({ MAX_ATTEMPTS: 8 });
    await eventually(async () => (await pool.query("select from failures")).rowCount).toBeGreaterThan(0);

    await poison.mend();

    await settled(pool, [bad!], "applied");
    await eventually(() => ownJob(queue, bad!)).toMatchObject({ state: "completed" });
    expect((await pool.query("select from dead_letters")).rowCount).toBe(0);
  });

  test("a delivery without a job is swept once its time has come", async (context) => {
    const { pool, record, hire } = openWorkshop(context, await start(context));
    const deliveryIds = await record(event("a"), event("b"), unparsable);
    await due(pool);
    const worker = await hire();
    await settled(pool, deliveryIds, ["applied", "applied", "unparsable"]);
    expect(worker.said("swept")).toHaveLength(1);
  });

  test("what waits is seen in the metrics: open deliveries and their age, jobs by state, dead letters by reason", async (context) => {
    const { pool, deliver, record, hire } = openWorkshop(context, await start(context));
    const [dead] = await deliver(unparsable);
    const worker = await hire();
    await settled(pool, [dead!], "unparsable");
    await record(event("a"), event("b"));
    await notDue(pool);

    const metrics = () => fetch(`http://127.0.0.1:${worker.port}/metrics`).then((answer) => answer.text());
    await eventually(async () => (await metrics()).split("\n")).toEqual(
      expect.arrayContaining([
        'dossier_queue_jobs{state="failed"} 1',
        "dossier_open_deliveries 2",
        expect.stringMatching(/^dossier_oldest_open_delivery_seconds \d+\.\d+$/),
        'dossier_dead_letters{reason="unparsable"} 1',
      ]),
    );
  });
});
