import { expect, test } from "vitest";
import { eventBody, invalidBody, openRecord, refuseEvents, UNPARSABLE_BODY } from "./fixtures.ts";

test("statuses distinguish open and settled deliveries, and give dead letters' reasons", async (context) => {
  const record = await openRecord(context);
  const settled = await record.recordAndSettle(
    eventBody("a"),
    eventBody("a"),
    UNPARSABLE_BODY,
    invalidBody(),
  );
  const exhausted = await record.recordAndExhaust(eventBody("b"));
  const open = await record.record(eventBody("c"));
  const unknown = "01890000-0000-7000-8000-000000000000";
  expect(await record.statuses([...settled, exhausted, ...open, unknown])).toEqual([
    "applied",
    "duplicate",
    "unparsable",
    "invalid-event",
    "fold-failed",
    "open",
    "not recorded",
  ]);
});

test("a person's events are refused until they are allowed", async (context) => {
  const record = await openRecord(context);
  const ids = await record.record(eventBody("a"));
  const { allow } = await refuseEvents(record.pool, "a");
  await expect(record.settle(ids)).rejects.toMatchObject({ code: "22023" });
  await allow();
  expect((await record.settle(ids)).get(ids[0] ?? "")).toEqual({ kind: "applied" });
});

test("a dump shows every change to the record", async (context) => {
  const record = await openRecord(context);
  const before = await record.dump();
  expect(before["deliveries"]).toEqual([]);
  await record.recordAndSettle(eventBody("a"));
  const after = await record.dump();
  expect(Object.keys(after)).toEqual(Object.keys(before));
  expect(after["events"]).toHaveLength(1);
});
