import { writeReport } from "@dossier/store";
import { waitFor } from "@dossier/testing";
import { expect, test } from "vitest";
import { startTestConsole } from "./harness.ts";

const REPORT = {
  instanceId: "0198a000-0000-7000-8000-000000000001",
  service: "worker",
  version: "1.2.3",
  host: "host-1",
  pid: 7,
  stopped: false,
  pausedBecause: "queue-unavailable",
  jobs: 2,
  rate: 1.5,
  minutes: [],
};

test("instances answers what each instance is and holds, its own too, in pages", async (context) => {
  const { get, pool } = await startTestConsole(context);
  await waitFor(
    () => get("/instances"),
    ({ json }) => expect(json.items).toMatchObject([{ service: "console", state: "alive", rate: null }]),
  );
  expect((await get("/instances?seenWithinSeconds=0")).status).toBe(400);
  await writeReport(pool, REPORT);
  const { json: first } = await get("/instances?limit=1&seenWithinSeconds=3600");
  const { json: second } = await get(`/instances?limit=1&cursor=${first.nextCursor}`);
  const { stopped: _, minutes: _minutes, ...shown } = REPORT;
  expect([...first.items, ...second.items]).toContainEqual({
    ...shown,
    state: "alive",
    startedAt: expect.any(String),
    lastSeenAt: expect.any(String),
    stoppedAt: null,
    settings: {},
  });
});

test("instance-minutes sums what all did in each minute, of the last hour if not asked otherwise", async (context) => {
  const { get, pool } = await startTestConsole(context);
  const minute = Math.floor(Date.now() / 60_000);
  const report = (instanceId: string, service: string, counts: Readonly<Record<string, number>>) =>
    writeReport(pool, {
      ...{ ...REPORT, instanceId, service },
      minutes: [minute - 10, minute - 100].map((one) => ({ minute: one, counts })),
    });
  await report(REPORT.instanceId, "worker", { "outcome/applied": 2, "applied-within-ms/50": 2 });
  await report(crypto.randomUUID(), "ingest", { "webhook/accepted": 2 });
  const expected = {
    accepted: 2,
    refused: {},
    outcomes: { applied: 2 },
    receiptToStateMs: { p50: 50, p99: 50 },
  };
  const timeOf = (one: number) => new Date(one * 60_000).toISOString().replace("000Z", "0000000Z");
  expect((await get("/instance-minutes")).json).toEqual({
    items: [{ minute: timeOf(minute - 10), ...expected }],
  });
  const [from, to] = [timeOf(minute - 100), timeOf(minute - 10)];
  expect((await get(`/instance-minutes?from=${from}&to=${to}`)).json).toEqual({
    items: [{ minute: from, ...expected }],
  });
});

test("instance-minutes answers at most a day", async (context) => {
  const { get } = await startTestConsole(context);
  const at = (time: string) => `2026-03-${time}:00Z`;
  expect((await get(`/instance-minutes?from=${at("01T00:00")}&to=${at("02T00:00")}`)).status).toBe(200);
  const { status, json } = await get(`/instance-minutes?from=${at("01T00:00")}&to=${at("02T00:01")}`);
  expect([status, json.errors]).toEqual([
    400,
    [{ in: "query", name: "to", message: "must be at most a day after `from`" }],
  ]);
});
