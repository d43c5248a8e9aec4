import { expect, test } from "vitest";
import { desk, event } from "./desk.ts";

test("stats count what there is and what waits, of the record and of the queue", async (context) => {
  const { get, take, record, exhaust } = await desk(context);
  const nothing = (await get("/stats")).json;
  expect(nothing).toEqual({
    deliveries: {
      open: 0,
      oldestOpenSeconds: null,
      deadLettered: 0,
      discarded: 0,
      applied: 0,
      duplicate: 0,
      total: 0,
    },
    deadLetters: {},
    naturalPersons: {
      unknown: 0,
      pending: 0,
      "id-upload-started": 0,
      "id-uploaded": 0,
      "documents-uploaded": 0,
      approved: 0,
    },
    events: { total: 0, unrecognised: {} },
    feed: { lastPosition: 0, behindSeconds: 0 },
    queue: { backend: "postgres", jobs: { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 } },
  });

  await take(
    event("a"),
    event("a"),
    event("b", { event: "NaturalPersonTeleported" }),
    Buffer.from("not JSON"),
  );
  await exhaust(event("c"));
  await record(event("d"));
  const { json } = await get("/stats");
  expect(json).toMatchObject({
    deliveries: { open: 1, deadLettered: 2, discarded: 0, applied: 2, duplicate: 1, total: 6 },
    deadLetters: { unparsable: 1, "fold-failed": 1 },
    naturalPersons: { pending: 1, unknown: 1 },
    events: { total: 2, unrecognised: { NaturalPersonTeleported: 1 } },
    feed: { lastPosition: 2 },
  });
  expect(json.deliveries.oldestOpenSeconds).toBeGreaterThanOrEqual(0);
});
