import { expect, test } from "vitest";
import {
  deadLetter,
  discard,
  findDeadLetter,
  recordFailedAttempt,
  redrive,
  settle,
  takeDueDeliveries,
} from "../../src/index.ts";
import { breakFolding, freshGraveyard, pending, unparsable } from "./graveyard.ts";

const by = { operator: "ada", reason: "the code was mended" };

test("a redriven delivery is open again with all its attempts, and applies once the code was mended", async (context) => {
  const { pool, receive } = await freshGraveyard(context);
  const broken = await breakFolding(pool, "a");
  const [deliveryId] = await receive(pending("a"));
  await expect(settle(pool, [deliveryId!], "1.0.0")).rejects.toThrow("broken");
  const failure = { deliveryId: deliveryId!, error: "broken", stack: undefined, codeVersion: "1.0.0" };
  expect(await recordFailedAttempt(pool, failure, [1])).toBe(1);
  expect(await recordFailedAttempt(pool, failure, [1])).toBe(2);
  await deadLetter(pool, deliveryId!, { reason: "fold-failed", message: "m", issues: [] }, "1.0.0");

  expect(await redrive(pool, [deliveryId!], by)).toEqual([deliveryId]);
  expect(await recordFailedAttempt(pool, failure, [1])).toBe(1);
  await broken.mend();
  expect(await settle(pool, [deliveryId!], "1.0.1")).toEqual(new Map([[deliveryId, { kind: "applied" }]]));
  expect(await findDeadLetter(pool, deliveryId!)).toMatchObject({
    outcome: "applied",
    deadLetters: [{ reason: "fold-failed" }],
    decisions: [{ action: "redrive", ...by }],
  });
});

test("a redriven delivery that nobody enqueues is swept", async (context) => {
  const { pool, take } = await freshGraveyard(context);
  const died = await take(unparsable, unparsable);
  await redrive(pool, died, by);
  expect(await takeDueDeliveries(pool, 10)).toEqual([]);
  await pool.query("update open_deliveries set due_at = now()");
  expect((await takeDueDeliveries(pool, 10)).toSorted()).toEqual(died.toSorted());
});

test("a discarded delivery is neither redriven nor swept, and stays readable", async (context) => {
  const { pool, take } = await freshGraveyard(context);
  const [deliveryId] = await take(unparsable);
  expect(await discard(pool, [deliveryId!], { operator: "bob", reason: "noise" })).toEqual([deliveryId]);

  expect(await redrive(pool, [deliveryId!], by)).toEqual([]);
  expect(await settle(pool, [deliveryId!], "1.0.1")).toEqual(new Map([[deliveryId, { kind: "not-open" }]]));
  expect(await findDeadLetter(pool, deliveryId!)).toMatchObject({
    outcome: "discarded",
    body: unparsable,
    deadLetters: [{ reason: "unparsable" }],
    decisions: [{ action: "discard", operator: "bob", reason: "noise" }],
  });
});

test("only what is dead is redriven or discarded, by one of those who do it at the same time", async (context) => {
  const { pool, take, receive } = await freshGraveyard(context);
  const [applied, dead] = await take(pending("a"), unparsable);
  const [open] = await receive(pending("b"));
  const all = [applied!, dead!, open!];

  const done = await Promise.all([redrive(pool, all, by), redrive(pool, all, by), discard(pool, all, by)]);
  expect(done.flat()).toEqual([dead]);
  const { rowCount } = await pool.query("select from decisions");
  expect(rowCount).toBe(1);
});

test("what people did cannot be changed or removed", async (context) => {
  const { pool, take } = await freshGraveyard(context);
  await redrive(pool, await take(unparsable), by);
  for (const change of [
    "update decisions set operator = 'nobody'",
    "delete from decisions",
    "delete from dead_letters",
    "truncate decisions",
  ]) {
    await expect(pool.query(change)).rejects.toThrow("is refused");
  }
});
