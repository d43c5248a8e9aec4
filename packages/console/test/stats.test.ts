import { eventBody } from "@dossier/store/fixtures";
import { expect, test } from "vitest";
import { startTestConsole } from "./harness.ts";

test("stats of an empty record are all zero", async (context) => {
  const { get } = await startTestConsole(context);
  expect((await get("/stats")).json).toEqual({
    deliveries: {
      open: 0,
      failing: 0,
      overdue: 0,
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
    rebuild: { needed: false, outdatedPersons: 0, unfoldedPersons: 0, eventsKnownNow: {} },
    queue: { backend: "postgres", jobs: { waiting: 0, active: 0, delayed: 0, failed: 0, completed: 0 } },
  });
});

test("stats count deliveries by status, dead letters, persons and events", async (context) => {
  const { get, pool, recordAndSettle, record, recordAndExhaust } = await startTestConsole(context);
  await recordAndSettle(
    eventBody("a"),
    eventBody("a"),
    eventBody("b", { event: "NaturalPersonTeleported" }),
    Buffer.from("not JSON"),
  );
  await recordAndExhaust(eventBody("c"));
  const [due = "", swept = ""] = await record(eventBody("d"), eventBody("e"), eventBody("f"));
  await pool.query("update open_deliveries set due_at = now() - interval '31 s' where delivery_id = $1", [
    due,
  ]);
  await pool.query("update open_deliveries set sweeps = 2 where delivery_id = $1", [swept]);
  const { json } = await get("/stats");
  expect(json).toMatchObject({
    deliveries: {
      open: 3,
      failing: 0,
      overdue: 2,
      deadLettered: 2,
      discarded: 0,
      applied: 2,
      duplicate: 1,
      total: 8,
    },
    deadLetters: { unparsable: 1, "fold-failed": 1 },
    naturalPersons: { pending: 1, unknown: 1 },
    events: { total: 2, unrecognised: { NaturalPersonTeleported: 1 } },
    feed: { lastPosition: 2 },
  });
  expect(json.deliveries.oldestOpenSeconds).toBeGreaterThanOrEqual(0);
});
