import { waitFor, captureLog } from "@dossier/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { createInstanceReporter, createLogger, type InstanceReport } from "../src/index.ts";

/** The record's time, which is an hour before that of this machine. */
const recordTime = () => Date.now() - 3_600_000;
const minuteOf = (ms: number) => Math.floor(ms / 60_000);

/** Starts a reporter with a short interval. `write` stores a report, or fails as long as `failing` is set. */
function startReporter() {
  const output = captureLog();
  const log = createLogger({ service: "test", level: "info", destination: output });
  const reports: InstanceReport[] = [];
  const record = { failing: false, failures: 0 };
  const reporter = createInstanceReporter({
    service: "ingest",
    log,
    intervalMs: 5,
    async write(report) {
      if (record.failing) {
        record.failures += 1;
        throw new Error("out of order");
      }
      reports.push(report);
      return recordTime();
    },
  });
  onTestFinished(() => reporter.stop());
  const countsOf = (minute: number) =>
    reports
      .flatMap((report) => report.minutes)
      .filter((one) => Math.abs(one.minute - minute) <= 1)
      .map(({ counts }) => counts);
  return { reporter, reports, record, logged: output.logged, countsOf };
}

describe("a service", () => {
  test("is reported again and again, with its state and its counts in the record's minutes", async () => {
    const { reporter, reports, countsOf } = startReporter();
    let jobs = 0;
    reporter.start(async () => ({ jobs: (jobs += 1), pausedBecause: null }));
    await waitFor(
      () => reports.length,
      (count) => count > 1,
    );
    reporter.counter.add("webhook/accepted");
    reporter.counter.addApplied([recordTime() - 4 * 3_600_000]);
    const counts = await waitFor(() => countsOf(minuteOf(recordTime()))[0]);
    expect(counts).toEqual({ "webhook/accepted": 1, "applied-within-ms/21600000": 1 });
    const [first, second] = reports;
    expect(first).toMatchObject({
      service: "ingest",
      pid: process.pid,
      stopped: false,
      jobs: 1,
      minutes: [],
    });
    expect(second).toMatchObject({ instanceId: first?.instanceId, jobs: 2 });
  });

  test("reports that it has stopped, and no more after that", async () => {
    const { reporter, reports } = startReporter();
    reporter.start();
    await waitFor(() => reports[0]);
    reporter.counter.add("webhook/accepted");
    await reporter.stop();
    const last = reports.at(-1);
    expect(last).toMatchObject({ stopped: true, jobs: 0, rate: 0 });
    expect(reports.flatMap(({ minutes }) => minutes).map(({ counts }) => counts)).toEqual([
      { "webhook/accepted": 1 },
    ]);
    expect(reports.filter(({ stopped }) => stopped)).toHaveLength(1);
  });
});

describe("a report that fails", () => {
  test("is made up for by the next one, and logged once however often it fails", async () => {
    const { reporter, reports, record, logged, countsOf } = startReporter();
    reporter.start();
    await waitFor(() => reports[0]);
    record.failing = true;
    await waitFor(() => logged("report-failed")[0]);
    reporter.counter.add("webhook/unavailable");
    reporter.counter.add("webhook/unavailable");
    const before = record.failures;
    await waitFor(
      () => record.failures,
      (failures) => failures > before + 1,
    );
    record.failing = false;
    await waitFor(() => logged("report-recovered")[0]);
    const counts = await waitFor(() => countsOf(minuteOf(recordTime())).at(-1));
    expect(counts).toEqual({ "webhook/unavailable": 2 });
    expect(logged("report-failed")).toHaveLength(1);
  });

  test("delays a shutdown by two seconds at most", async () => {
    const log = createLogger({ service: "test", level: "silent" });
    const write = () => new Promise<number>(() => undefined);
    const reporter = createInstanceReporter({ service: "ingest", log, write });
    reporter.start();
    await expect(reporter.stop()).resolves.toBeUndefined();
  });
});
