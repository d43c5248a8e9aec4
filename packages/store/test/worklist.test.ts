import { scenario } from "@dossier/simulator";
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
  expect((await listWaitingPersons(record.pool, 2)).waiting).toMatchObject([
    { entityId: "q", status: "pending" },
  ]);
});

test("counts are exact up to 10,000, and then say that there are more", async () => {
  const { pool, rows } = record;
  await rows(`insert into settlements (delivery_id, settled_as)
    select gen_random_uuid(), 'dead-lettered' from generate_series(1, 10000)`);
  await rows(`insert into dead_letters (delivery_id, reason, message, issues, code_version)
    select delivery_id, 'unparsable', '', '[]', 'test' from settlements`);
  expect(await listDecisionsNeeded(pool)).toMatchObject([{ count: 10_000, isMore: false, newestAt: /Z$/ }]);
  await record.recordAndSettle("one more");
  expect(await listDecisionsNeeded(pool)).toMatchObject([{ count: 10_000, isMore: true, newestAt: null }]);
});

test("persons are counted by status, and those who wait longest in each step are listed", async () => {
  const { webhooks } = scenario({ persons: 40, seed: 3, duplicates: 0, shuffle: 0 });
  await record.recordAndSettle(...[...webhooks].map(({ body }) => body));
  const { counts, waiting } = await listWaitingPersons(record.pool, 2);
  const persons = await record.rows<{ entityId: string; status: string }>(
    `select entity_id as "entityId", status from natural_persons where status not in ('unknown', 'approved') order by last_ticks`,
  );
  for (const { status, count } of counts.slice(1, -1))
    expect([status, count]).toEqual([status, persons.filter((person) => person.status === status).length]);
  const longest = persons.filter(
    ({ status }, n) => persons.slice(0, n).filter((earlier) => earlier.status === status).length < 2,
  );
  expect(waiting).toMatchObject(longest);
  expect(waiting.length).toBeGreaterThan(4);
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
