import { formatTicks, stalled } from "@dossier/events";
import { expect, test } from "vitest";
import {
  deadLetter,
  discard,
  findDelivery,
  recordDeliveries,
  recordFailedAttempt,
  redrive,
  settle,
} from "../../src/index.ts";
import { useRecord } from "../database.ts";
import { delivery, eventBody, UNPARSABLE_BODY } from "../fixtures.ts";

const database = useRecord();

test("a delivery is found with its exact bytes, headers and verification, open or settled", async () => {
  const { pool } = database;
  const recorded = delivery(Buffer.from([0xff, 0x00, 0x7b]), {
    headers: { "content-type": "application/json" },
    verifiedBy: "payload-secret",
    secretFingerprint: "abc123",
  });
  await recordDeliveries(pool, [recorded]);
  const [row] = await database.rows<{ ticks: bigint }>(
    "select (extract(epoch from received_at) * 10000000)::bigint as ticks from deliveries where delivery_id = $1",
    [recorded.deliveryId],
  );
  expect(await findDelivery(pool, recorded.deliveryId)).toEqual({
    ...recorded,
    status: "open",
    event: null,
    id: null,
    entityId: null,
    receivedAt: formatTicks(row?.ticks ?? 0n),
    settledAt: null,
    open: {
      attempts: 0,
      stalls: 0,
      nextAttemptBy: formatTicks((row?.ticks ?? 0n) + 300_000_000n),
      snoozedUntil: null,
      lastError: null,
    },
    entry: null,
    deadLetters: [],
    failedAttempts: [],
    decisions: [],
  });
  await settle(pool, [recorded.deliveryId], "test");
  expect(await findDelivery(pool, recorded.deliveryId)).toMatchObject({
    body: recorded.body,
    status: "dead-lettered",
    deadLetters: [{ reason: "unparsable" }],
  });
});

test("a delivery's history is in the order in which it happened", async () => {
  const { pool } = database;
  const [deliveryId = ""] = await database.record(UNPARSABLE_BODY);
  const failure = { deliveryId, error: "it failed", stack: undefined, codeVersion: "test" };
  await recordFailedAttempt(pool, failure, [1]);
  await recordFailedAttempt(pool, failure, [1]);
  await settle(pool, [deliveryId], "test");
  await redrive(pool, [deliveryId], { decidedBy: "ada", reason: "again" });
  await settle(pool, [deliveryId], "test");
  await discard(pool, [deliveryId], { decidedBy: "ada", reason: "noise" });
  expect(await findDelivery(pool, deliveryId)).toMatchObject({
    status: "discarded",
    failedAttempts: [{ attempt: 1 }, { attempt: 2 }],
    deadLetters: [{ reason: "unparsable" }, { reason: "unparsable" }],
    decisions: [{ action: "redrive" }, { action: "discard", decidedBy: "ada", reason: "noise" }],
  });
});

test("a settled delivery says what it added to the log, and an unknown one is not found", async () => {
  const { pool } = database;
  const [event = "", redelivery = ""] = await database.recordAndSettle(eventBody("e"), eventBody("e"));
  const identity = { event: "NaturalPersonPending", id: "1", entityId: "e" };
  expect(await findDelivery(pool, event)).toMatchObject({
    ...identity,
    status: "applied",
    settledAt: expect.stringMatching(/Z$/),
    open: null,
    entry: { kind: "event", seq: 1 },
    deadLetters: [],
  });
  expect(await findDelivery(pool, redelivery)).toMatchObject({
    ...identity,
    status: "duplicate",
    entry: { kind: "redelivery", seq: 2 },
  });
  expect(await findDelivery(pool, "019a0000-0000-7000-8000-000000000001")).toBeUndefined();
});

test("a delivery that stalled is parsed once it is in the log, and not before", async () => {
  const { pool } = database;
  const [deliveryId = ""] = await database.record(eventBody("stalled"));
  await deadLetter(pool, deliveryId, stalled(), "test");
  await redrive(pool, [deliveryId], { decidedBy: "ada", reason: "mended" });
  expect(await findDelivery(pool, deliveryId)).toMatchObject({ status: "open", entityId: null });
  await settle(pool, [deliveryId], "test");
  expect(await findDelivery(pool, deliveryId)).toMatchObject({
    status: "applied",
    entityId: "stalled",
    entry: { kind: "event", seq: 1 },
    deadLetters: [{ reason: "stalled" }],
  });
});
