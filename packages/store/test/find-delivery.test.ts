import { formatTicks } from "@dossier/events";
import { afterEach, beforeEach, expect, test } from "vitest";
import { discard, findDelivery, recordDeliveries, recordFailedAttempt, redrive } from "../src/index.ts";
import { body, freshRecord, inbox, type Record as Scene } from "./persons/record.ts";

let record: Scene;
beforeEach(async () => {
  record = await freshRecord();
});
afterEach(() => record.end());

const ID = "019a0000-0000-7000-8000-000000000001";

test("a delivery is found with its exact bytes, its headers and how it was verified, before and after it is settled", async () => {
  const bytes = Buffer.from([0xff, 0x00, 0x7b]);
  await recordDeliveries(record.pool, [
    {
      deliveryId: ID,
      body: bytes,
      headers: { "content-type": "application/json" },
      verifiedBy: "payload-secret",
      secretFingerprint: "abc123",
    },
  ]);
  const [received] = await inbox(record.pool);
  const open = await findDelivery(record.pool, ID);
  expect(open).toEqual({
    deliveryId: ID,
    outcome: "open",
    receivedAt: formatTicks(received?.receivedTicks ?? 0n),
    body: bytes,
    headers: { "content-type": "application/json" },
    verifiedBy: "payload-secret",
    secretFingerprint: "abc123",
    deadLetters: [],
    attempts: [],
    decisions: [],
  });
  await record.settle([ID]);
  expect(await findDelivery(record.pool, ID)).toMatchObject({
    body: bytes,
    outcome: "dead-lettered",
    deadLetters: [{ reason: "unparsable" }],
  });
});

test("what happened to a delivery is told in the order in which it happened", async () => {
  const [deliveryId = ""] = await record.receive([Buffer.from("no json")]);
  const failure = { deliveryId, error: "it failed", stack: undefined, codeVersion: "test" };
  await recordFailedAttempt(record.pool, failure, [1]);
  await recordFailedAttempt(record.pool, failure, [1]);
  await record.settle([deliveryId]);
  await redrive(record.pool, [deliveryId], { operator: "ada", reason: "again" });
  await record.settle([deliveryId]);
  await discard(record.pool, [deliveryId], { operator: "ada", reason: "noise" });
  expect(await findDelivery(record.pool, deliveryId)).toMatchObject({
    outcome: "discarded",
    attempts: [{ attempt: 1 }, { attempt: 2 }],
    deadLetters: [{ reason: "unparsable" }, { reason: "unparsable" }],
    decisions: [{ action: "redrive" }, { action: "discard", operator: "ada", reason: "noise" }],
  });
});

test("an applied delivery never died, and an unknown one is not found", async () => {
  const [deliveryId = ""] = await record.receive([
    body("NaturalPersonPending", "1", "e", "2026-01-01T00:00:00Z"),
  ]);
  await record.settle([deliveryId]);
  expect(await findDelivery(record.pool, deliveryId)).toMatchObject({ outcome: "applied", deadLetters: [] });
  expect(await findDelivery(record.pool, ID)).toBeUndefined();
});
