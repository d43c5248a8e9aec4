import { formatTicks, parseTicks } from "@dossier/events";
import { v7 } from "uuid";
import { describe, expect, test } from "vitest";
import { sqlFile } from "../../src/database/statements.ts";
import { transaction } from "../../src/database/transaction.ts";
import {
  listInstances,
  readMinutes,
  removeOldReports,
  writeReport,
  type InstanceReport,
} from "../../src/index.ts";
import { openTransaction, tamper, useRecord } from "../database.ts";

const database = useRecord({ start: "empty" });

/** The minute of the reports, in minutes since 1970. */
const MINUTE = Math.floor(Date.now() / 60_000) - 10;

function report(overrides: Partial<InstanceReport> = {}): InstanceReport {
  return {
    instanceId: v7(),
    service: "worker",
    version: "1.2.3",
    host: "host-1",
    pid: 4711,
    stopped: false,
    pausedBecause: null,
    jobs: 0,
    rate: 0,
    minutes: [],
    ...overrides,
  };
}

const write = (overrides: Partial<InstanceReport> = {}) => writeReport(database.pool, report(overrides));

/** Makes an instance one that started, and was last seen, so long ago. */
async function makeOlder(instanceId: string, seen: string, started = seen): Promise<void> {
  await tamper(
    database.pool,
    `update instances set last_seen_at = now() - interval '${seen}', started_at = now() - interval '${started}'
     where instance_id = '${instanceId}'`,
  );
}

describe("a report", () => {
  test("replaces the row of its instance, and returns Postgres' time", async () => {
    const instanceId = v7();
    await write({ instanceId, jobs: 1, rate: 2 });
    const nowMs = await write({ instanceId, jobs: 3, rate: 4.5, pausedBecause: "queue-unavailable" });
    const { items, next } = await listInstances(database.pool, { limit: 10 });
    const [row] = items;
    expect([items.length, next]).toEqual([1, undefined]);
    expect(row).toMatchObject({
      ...{ instanceId, service: "worker", version: "1.2.3", host: "host-1", pid: 4711 },
      ...{ state: "alive", stoppedAt: null, pausedBecause: "queue-unavailable", jobs: 3, rate: 4.5 },
    });
    const at = (text = "") => Number((parseTicks(text) ?? 0n) / 10_000n);
    expect(Math.abs(at(row?.lastSeenAt) - nowMs)).toBeLessThanOrEqual(1);
    expect(at(row?.startedAt)).toBeLessThanOrEqual(nowMs);
  });

  test("that is written again adds nothing to the counts of its minute", async () => {
    const instance = { instanceId: v7(), service: "ingest" };
    await write({ ...instance, minutes: [{ minute: MINUTE, counts: { "webhook/accepted": 3 } }] });
    const later = {
      ...instance,
      minutes: [{ minute: MINUTE, counts: { "webhook/accepted": 5, "webhook/too-large": 1 } }],
    };
    await write(later);
    await write(later);
    expect(await readMinutes(database.pool, range(MINUTE, 1))).toMatchObject([
      { minute: timeOf(MINUTE), accepted: 5, refused: { "too-large": 1 } },
    ]);
  });
});

describe("instances are listed", () => {
  test("in pages, the last started first, each once even if it reports itself meanwhile", async () => {
    const ids = [v7(), v7(), v7()];
    for (const [index, instanceId] of ids.entries()) {
      await write({ instanceId });
      await makeOlder(instanceId, `${10 + index} s`, `${3 - index} days`);
    }
    const first = await listInstances(database.pool, { limit: 2 });
    for (const instanceId of ids) await write({ instanceId });
    const second = await listInstances(database.pool, { limit: 2, after: first.next });
    expect([...first.items, ...second.items].map(({ instanceId }) => instanceId)).toEqual(ids.toReversed());
    expect(second.next).toBeUndefined();
  });

  test("with whether each stopped or is lost, and without those that were not seen for so long", async () => {
    const [alive, stopped, lost] = [v7(), v7(), v7()];
    await write({ instanceId: alive });
    await write({ instanceId: stopped, stopped: true });
    await makeOlder(stopped, "40 s");
    await write({ instanceId: lost });
    await makeOlder(lost, "50 s");
    const list = async (seenWithinSeconds?: number) => {
      const { items } = await listInstances(database.pool, { limit: 9, seenWithinSeconds });
      return items.map(({ instanceId, state, stoppedAt }) => [instanceId, state, stoppedAt !== null]);
    };
    const all = [
      [alive, "alive", false],
      [stopped, "stopped", true],
      [lost, "lost", false],
    ];
    expect(await list()).toEqual(all);
    expect(await list(60)).toEqual(all);
    expect(await list(45)).toEqual(all.slice(0, 2));
  });
});

test("the counts of all instances are summed minute by minute, with percentiles", async () => {
  await write({
    minutes: [
      // Those of webhooks count from ingest alone.
      {
        minute: MINUTE,
        counts: { "outcome/applied": 60, "applied-within-ms/50": 60, "webhook/accepted": 9 },
      },
    ],
  });
  await write({
    service: "ingest",
    minutes: [
      { minute: MINUTE + 1, counts: { "webhook/accepted": 1, "outcome/applied": 9 } },
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
  expect(await readMinutes(database.pool, range(MINUTE, 2))).toEqual([
    {
      minute: timeOf(MINUTE),
      accepted: 0,
      refused: {},
      outcomes: { applied: 100, "dead-lettered": 2 },
      receiptToStateMs: { p50: 50, p99: 1000 },
    },
    {
      minute: timeOf(MINUTE + 1),
      accepted: 1,
      refused: {},
      outcomes: {},
      receiptToStateMs: null,
    },
  ]);
});

test("several minutes are summed as one span, with the percentiles of all its deliveries", async () => {
  const start = MINUTE - (MINUTE % 15) - 30;
  const counts = (ms: number, count: number) => ({
    "outcome/applied": count,
    [`applied-within-ms/${ms}`]: count,
  });
  await write({
    minutes: [
      { minute: start, counts: counts(50, 98) },
      { minute: start + 14, counts: counts(1_000, 2) },
      { minute: start + 15, counts: counts(5, 1) },
    ],
  });
  const read = await readMinutes(database.pool, { ...range(start, 30), minutes: 15 });
  expect(read).toMatchObject([
    { minute: timeOf(start), outcomes: { applied: 100 }, receiptToStateMs: { p50: 50, p99: 1_000 } },
    { minute: timeOf(start + 15), outcomes: { applied: 1 }, receiptToStateMs: { p50: 5, p99: 5 } },
  ]);
});

test("minutes that Postgres' clock has not reached are left out of a report", async () => {
  const now = Math.floor(Date.now() / 60_000);
  const minutes = [now - 1, now + 2].map((minute) => ({ minute, counts: { "webhook/accepted": 1 } }));
  await write({ service: "ingest", minutes });
  expect(await readMinutes(database.pool, range(now - 1, 9))).toMatchObject([{ minute: timeOf(now - 1) }]);
});

describe("reports older than 30 days", () => {
  test("are removed, and no later ones", async () => {
    const [old, recent] = [v7(), v7()];
    const minuteOf = (daysAgo: number) => Math.floor(Date.now() / 60_000) - daysAgo * 1_440;
    await write({ instanceId: old, minutes: [{ minute: minuteOf(31), counts: { "webhook/accepted": 1 } }] });
    await makeOlder(old, "31 days");
    const minutes = [29, 31].map((days) => ({ minute: minuteOf(days), counts: { "webhook/accepted": 1 } }));
    await write({ instanceId: recent, minutes });
    await makeOlder(recent, "29 days", "31 days");
    await removeOldReports(database.pool);
    expect(await database.rows("select instance_id from instances")).toEqual([{ instance_id: recent }]);
    expect(
      await database.rows(
        "select instance_id, extract(epoch from minute)::int / 60 as minute from instance_minutes",
      ),
    ).toEqual([{ instance_id: recent, minute: minuteOf(29) }]);
  });

  test("are found over an index", async () => {
    const { text } = sqlFile("remove_old_reports");
    const { rows } = await transaction(database.pool, async (connection) => {
      // Of a few rows, Postgres would read all.
      await connection.query("set local enable_seqscan = off");
      return connection.query(`explain ${text.replaceAll("$1", "30").replaceAll("$2", "1000")}`);
    });
    expect(JSON.stringify(rows)).toMatch(/Scan (on|using) instances_by_start/);
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

/** @param minute since 1970 */
function timeOf(minute: number): string {
  return formatTicks(BigInt(minute) * 600_000_000n);
}

function range(minute: number, minutes: number): { from: bigint; to: bigint } {
  const from = BigInt(minute) * 600_000_000n;
  return { from, to: from + BigInt(minutes) * 600_000_000n };
}
