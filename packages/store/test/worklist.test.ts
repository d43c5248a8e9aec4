import { expect, test } from "vitest";
import {
  listDecisionsNeeded,
  listWaitingPersons,
  readHealth,
  recordFailedAttempt,
  redrive,
  snooze,
  writeReport,
} from "../src/index.ts";
import { useRecord } from "./database.ts";
import { eventBody, invalidBody } from "./fixtures.ts";

const record = useRecord({ start: "empty" });
const at = (day: number) => `2026-01-0${day}T00:00:00Z`;
const approved = { event: "NaturalPersonManuallyApproved", id: "2", creationTimeUtc: at(2) };
const stuckAfterHours = {
  pending: 72,
  "id-upload-started": 72,
  "id-uploaded": 72,
  "documents-uploaded": 72,
};
const updated = { id: "3", creationTimeUtc: at(3), data: { isClientUpdateRequest: true } };

test("nothing is needed of an empty record, and no webhook was ever accepted", async () => {
  expect(await listDecisionsNeeded(record.pool)).toEqual([]);
  expect(await readHealth(record.pool)).toEqual({
    lastAcceptedAt: null,
    longestGapSeconds: null,
    open: { count: 0, isMore: false },
    oldestOpenAt: null,
    refused: [],
  });
});

test("decisions are needed for dead letters by reason, persons to review, unknown types and failing deliveries", async () => {
  const dead = await record.recordAndSettle("one", "other", invalidBody());
  await redrive(record.pool, dead.slice(1, 2), { decidedBy: "Olga", reason: "fixed" });
  await record.recordAndSettle(
    eventBody("a"),
    eventBody("a", approved),
    eventBody("a", updated),
    eventBody("b", { event: "NaturalPersonTeleported" }),
    eventBody("b", { event: "NaturalPersonTeleported", id: "2" }),
  );
  const [failing = "", snoozed = ""] = await record.record("x", "y");
  await recordFailedAttempt(
    record.pool,
    { deliveryId: failing, error: "broken", stack: undefined, codeVersion: "test" },
    [60],
  );
  await snooze(record.pool, snoozed, "locked");
  const needed = await listDecisionsNeeded(record.pool);
  expect(needed.map(({ kind, name, count, isMore }) => [kind, name, count, isMore])).toEqual([
    ["dead-letter", "invalid-event", 1, false],
    ["dead-letter", "unparsable", 1, false],
    ["person-to-review", "", 1, false],
    ["unknown-type", "NaturalPersonTeleported", 2, false],
    ["failing", "", 1, false],
    ["snoozed", "", 1, false],
  ]);
  expect(needed[2]).toMatchObject({
    oldestAt: "2026-01-03T00:00:00.0000000Z",
    newestAt: needed[2]!.oldestAt,
  });
  for (const { oldestAt, newestAt } of needed) expect(oldestAt <= newestAt!).toBe(true);
});

test("a name that Postgres cannot read as text is settled, and the worklist's statements answer", async () => {
  const names = [String.raw`Ada \u0000`, String.raw`Ada \ud800`];
  const bodies = names.flatMap((name, n) => {
    const named = { data: { entity: "NAME" } };
    return [
      eventBody(`p${n}`, named),
      eventBody(`p${n}`, { ...approved, ...named }),
      eventBody(`p${n}`, updated),
    ].map((body) => body.toString().replace("NAME", name));
  });
  await record.recordAndSettle(
    ...bodies,
    eventBody("q", { data: { entity: "NAME" } })
      .toString()
      .replace("NAME", names[0]!),
  );
  expect(
    await record.rows("select entity_id, status, review_needed from natural_persons order by 1"),
  ).toEqual([
    { entity_id: "p0", status: "approved", review_needed: true },
    { entity_id: "p1", status: "approved", review_needed: true },
    { entity_id: "q", status: "pending", review_needed: false },
  ]);
  expect(await listDecisionsNeeded(record.pool)).toMatchObject([{ kind: "person-to-review", count: 2 }]);
  const { stuck } = await listWaitingPersons(record.pool, { stuckAfterHours, limit: 2, now: Date.now() });
  expect(stuck).toMatchObject([{ status: "pending", count: 1, longest: [{ entityId: "q" }] }]);
});

test("counts are exact up to 10,000, and then say that there are more", async () => {
  const { pool, rows } = record;
  await rows(`insert into dead_letters (delivery_id, reason, message, issues, code_version)
    select gen_random_uuid(), 'unparsable', '', '[]', 'test' from generate_series(1, 10000)`);
  await rows(`insert into settlements (delivery_id, settled_as)
    select delivery_id, 'dead-lettered' from dead_letters`);
  expect(await listDecisionsNeeded(pool)).toMatchObject([{ count: 10_000, isMore: false, newestAt: /Z$/ }]);
  await record.recordAndSettle("one more");
  expect(await listDecisionsNeeded(pool)).toMatchObject([{ count: 10_000, isMore: true, newestAt: null }]);
});

test("persons are counted by status, and those without an event for too long are stuck in their step", async () => {
  const started = { event: "NaturalPersonStartedIDUpload", creationTimeUtc: at(1) };
  await record.recordAndSettle(
    ...[1, 2, 3, 4].map((day) => eventBody(`pending-${day}`, { creationTimeUtc: at(day) })),
    eventBody("started", started),
    eventBody("approved", approved),
  );
  const stuckOf = async (now: string, hours: Partial<typeof stuckAfterHours>) => {
    const options = { stuckAfterHours: { ...stuckAfterHours, ...hours }, limit: 2, now: Date.parse(now) };
    const { counts, stuck } = await listWaitingPersons(record.pool, options);
    expect(counts.filter(({ count }) => count > 0)).toEqual([
      { status: "pending", count: 4, isMore: false },
      { status: "id-upload-started", count: 1, isMore: false },
      { status: "approved", count: 1, isMore: false },
    ]);
    return stuck.map(({ status, count, longest }) => [
      status,
      count,
      ...longest.map(({ entityId }) => entityId),
    ]);
  };
  expect(await stuckOf("2026-01-04T00:00:00Z", { pending: 24, "id-upload-started": 72 })).toEqual([
    ["pending", 2, "pending-1", "pending-2"],
  ]);
  expect(await stuckOf("2026-01-04T00:00:01Z", { pending: 24, "id-upload-started": 72 })).toEqual([
    ["pending", 3, "pending-1", "pending-2"],
    ["id-upload-started", 1, "started"],
  ]);
});

test("health has the last webhook, open deliveries, refused webhooks and the longest gap of the last day", async () => {
  const [id = ""] = await record.record("open");
  const minute = Math.floor(Date.now() / 60_000);
  const report = { instanceId: id, service: "ingest", version: "test", host: "test", pid: 1 };
  const state = { uptimeSeconds: 1, stopped: false, pausedBecause: null, jobs: 0, rate: 0 };
  const counts = (accepted: number, refused: number) => ({
    "webhook/accepted": accepted,
    "webhook/unauthenticated": refused,
  });
  const minutes = [
    { minute: minute - 25 * 60, counts: counts(1, 100) },
    { minute: minute - 10, counts: counts(1, 2) },
    { minute: minute - 2, counts: { "webhook/too-large": 9 } },
    { minute: minute - 1, counts: counts(1, 3) },
  ];
  await writeReport(record.pool, { ...report, ...state, minutes });
  const health = await readHealth(record.pool);
  expect(health).toMatchObject({
    longestGapSeconds: 540,
    open: { count: 1, isMore: false },
    refused: [
      { reason: "too-large", count: 9 },
      { reason: "unauthenticated", count: 5 },
    ],
  });
  expect(health.lastAcceptedAt).toBe(health.oldestOpenAt);
});
