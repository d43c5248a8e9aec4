import { parseTicks } from "@dossier/events";
import { v7 } from "uuid";
import { describe, expect, test } from "vitest";
import {
  listInstances,
  readMinutes,
  removeOldReports,
  writeReport,
  type InstanceReport,
} from "../../src/index.ts";
import { openTransaction, useRecord } from "../database.ts";

const database = useRecord({ start: "empty" });

/** The minute of the reports, in minutes since 1970 and as ISO 8601. */
const MINUTE = Date.parse("2026-03-01T12:00:00Z") / 60_000;
const AT = "2026-03-01T12:00:00.0000000Z";

function report(overrides: Partial<InstanceReport> = {}): InstanceReport {
  return {
    instanceId: v7(),
    service: "worker",
    version: "1.2.3",
    host: "host-1",
    pid: 4711,
    uptimeSeconds: 60,
    stopped: false,
    pausedBecause: null,
    jobs: 0,
    rate: 0,
    minutes: [],
    ...overrides,
  };
}

const write = (overrides: Partial<InstanceReport> = {}) => writeReport(database.pool, report(overrides));

async function makeOlder(instanceId: string, age: string): Promise<void> {
  await database.pool.query(
    "update instances set last_seen_at = last_seen_at - $2::interval where instance_id = $1",
    [instanceId, age],
  );
}

describe("a report", () => {
  test("replaces the row of its instance, and returns Postgres' time", async () => {
    const instanceId = v7();
    await write({ instanceId, jobs: 1, rate: 2 });
    const nowMs = await write({ instanceId, jobs: 3, rate: 4.5, pausedBecause: "redis is away" });
    const { items, next } = await listInstances(database.pool, { limit: 10 });
    const [row] = items;
    expect([items.length, next]).toEqual([1, undefined]);
    expect(row).toMatchObject({
      ...{ instanceId, service: "worker", version: "1.2.3", host: "host-1", pid: 4711 },
      ...{ state: "alive", stoppedAt: null, pausedBecause: "redis is away", jobs: 3, rate: 4.5 },
    });
    const at = (text = "") => Number((parseTicks(text) ?? 0n) / 10_000n);
    expect(Math.abs(at(row?.lastSeenAt) - nowMs)).toBeLessThanOrEqual(1);
    expect(at(row?.lastSeenAt) - at(row?.startedAt)).toBeGreaterThanOrEqual(60_000);
  });

  test("that is written again adds nothing to the counts of its minute", async () => {
    const instanceId = v7();
    await write({ instanceId, minutes: [{ minute: MINUTE, counts: { "webhook/accepted": 3 } }] });
    const later = {
      instanceId,
      minutes: [{ minute: MINUTE, counts: { "webhook/accepted": 5, "webhook/too-large": 1 } }],
    };
    await write(later);
    await write(later);
    expect(await readMinutes(database.pool, range(AT, 1))).toMatchObject([
      { minute: AT, accepted: 5, refused: { "too-large": 1 } },
    ]);
  });
});

test("instances are listed in pages, those alive first; each says whether it stopped or is lost", async () => {
  const [alive, stopped, lost] = [v7(), v7(), v7()];
  await write({ instanceId: lost });
  await makeOlder(lost, "31 s");
  await write({ instanceId: stopped, stopped: true });
  await makeOlder(stopped, "10 s");
  await write({ instanceId: alive });
  const first = await listInstances(database.pool, { limit: 2 });
  const second = await listInstances(database.pool, { limit: 2, after: first.next });
  expect([...first.items, ...second.items].map(({ instanceId, state }) => [instanceId, state])).toEqual([
    [alive, "alive"],
    [stopped, "stopped"],
    [lost, "lost"],
  ]);
  expect([first.items[1]?.stoppedAt, second.items[0]?.stoppedAt, second.next]).toEqual([
    expect.any(String),
    null,
    undefined,
  ]);
});

test("the counts of all instances are summed minute by minute, with percentiles", async () => {
  await write({
    minutes: [
      { minute: MINUTE, counts: { "outcome/applied": 60, "applied-within-ms/50": 60 } },
      { minute: MINUTE + 1, counts: { "webhook/accepted": 1 } },
      { minute: MINUTE + 2, counts: { "webhook/accepted": 1 } },
    ],
  });
  await write({
    minutes: [
      {
        minute: MINUTE,
        counts: {
          "outcome/applied": 40,
          "outcome/dead-lettered": 2,
          "applied-within-ms/50": 38,
          "applied-within-ms/1000": 2,
        },
      },
    ],
  });
  expect(await readMinutes(database.pool, range(AT, 2))).toEqual([
    {
      minute: AT,
      accepted: 0,
      refused: {},
      outcomes: { applied: 100, "dead-lettered": 2 },
      receiptToStateMs: { p50: 50, p99: 1000 },
    },
    {
      minute: "2026-03-01T12:01:00.0000000Z",
      accepted: 1,
      refused: {},
      outcomes: {},
      receiptToStateMs: null,
    },
  ]);
});

describe("reports older than 30 days", () => {
  test("are removed, and no later ones", async () => {
    const [old, recent] = [v7(), v7()];
    const minuteOf = (daysAgo: number) => Math.floor(Date.now() / 60_000) - daysAgo * 1_440;
    await write({ instanceId: old, minutes: [{ minute: minuteOf(31), counts: { "webhook/accepted": 1 } }] });
    await makeOlder(old, "31 days");
    const minutes = [29, 31].map((days) => ({ minute: minuteOf(days), counts: { "webhook/accepted": 1 } }));
    await write({ instanceId: recent, minutes });
    await makeOlder(recent, "29 days");
    await removeOldReports(database.pool);
    expect(await database.rows("select instance_id from instances")).toEqual([{ instance_id: recent }]);
    expect(
      await database.rows(
        "select instance_id, extract(epoch from minute)::int / 60 as minute from instance_minutes",
      ),
    ).toEqual([{ instance_id: recent, minute: minuteOf(29) }]);
  });

  test("that another worker is removing delay no worker", async () => {
    const [held, free] = [v7(), v7()];
    for (const instanceId of [held, free]) {
      await write({ instanceId });
      await makeOlder(instanceId, "31 days");
    }
    await openTransaction(database.pool, "delete from instances where instance_id = $1", [held]);
    await removeOldReports(database.pool);
    expect(await database.rows("select instance_id from instances")).toEqual([{ instance_id: held }]);
  });
});

function range(from: string, minutes: number): { from: bigint; to: bigint } {
  const start = parseTicks(from) ?? 0n;
  return { from: start, to: start + BigInt(minutes) * 600_000_000n };
}
