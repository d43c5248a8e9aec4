import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import pTimeout from "p-timeout";
import type { Logger } from "./logger.ts";
import { createCounter, type Counter, type MinuteCounts } from "./minute-counts.ts";
import { outageLog } from "./outage-log.ts";
import { version } from "./version.ts";

const INTERVAL_MS = 5_000;

/** How long the last report may delay a shutdown. */
const LAST_REPORT_MS = 2_000;

/** What a running service says of itself. */
export interface InstanceReport extends InstanceState {
  /** Of this start of the service. */
  readonly instanceId: string;
  readonly service: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Whether this is its last report, at a clean shutdown. */
  readonly stopped: boolean;
  /** What it counted per second since its last report. */
  readonly rate: number;
  /** Its counts of each minute in which they have changed. */
  readonly minutes: readonly MinuteCounts[];
}

export interface InstanceState {
  /** Why it does no work; `null` while it works. */
  readonly pausedBecause: string | null;
  /** The jobs that it holds. */
  readonly jobs: number;
}

export interface InstanceReporter {
  readonly counter: Counter;
  /** Begins to report. */
  start(readState?: () => Promise<InstanceState>): void;
  /** Reports that the service has stopped, and reports no more. Never rejects, and takes at most two seconds. */
  stop(): Promise<void>;
}

export interface InstanceReporterOptions {
  readonly service: string;
  readonly log: Logger;
  /** Writes a report to the record, in bounded time. Returns the record's time, in milliseconds since 1970. */
  readonly write: (report: InstanceReport) => Promise<number>;
  /** Default 5,000. */
  readonly intervalMs?: number;
}

const WORKING: InstanceState = { pausedBecause: null, jobs: 0 };

/**
 * Reports every 5 s what a service is and does, one report at a time. A report that fails changes nothing for the
 * service: the next one says the same and more. Failures are logged at their beginning and end.
 */
export function createInstanceReporter(options: InstanceReporterOptions): InstanceReporter {
  const { service, log, write, intervalMs = INTERVAL_MS } = options;
  const outage = outageLog(log, {
    began: { code: "report-failed", message: "instance not reported; retrying" },
    ended: { code: "report-recovered", message: "instance is reported again" },
  });
  const identity = { instanceId: randomUUID(), service, version, host: hostname(), pid: process.pid };
  // Minutes are the record's, so that a wrong clock of this machine spoils no sum.
  let aheadMs = 0;
  const counter = createCounter(() => Date.now() - aheadMs);
  const stopping = new AbortController();
  let readState = () => Promise.resolve(WORKING);
  let reporting: Promise<void> | undefined;
  let last = { at: performance.now(), total: 0 };

  async function report(stopped: boolean): Promise<void> {
    const minutes = counter.takeChanged();
    try {
      const state = stopped ? WORKING : await readState();
      const now = { at: performance.now(), total: counter.total };
      const sentAt = Date.now();
      const recordedAt = await write({
        ...identity,
        ...state,
        minutes,
        stopped,
        rate: stopped ? 0 : ((now.total - last.total) * 1_000) / Math.max(1, now.at - last.at),
      });
      aheadMs = (sentAt + Date.now()) / 2 - recordedAt;
      last = now;
      outage.recordSuccess();
    } catch (error) {
      counter.putBack(minutes);
      outage.recordFailure(error);
    }
  }

  async function reportUntilStopped(): Promise<void> {
    while (!stopping.signal.aborted) {
      await report(false);
      await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  return {
    counter,
    start(read = readState) {
      readState = read;
      reporting = reportUntilStopped();
    },
    async stop() {
      if (reporting === undefined) return;
      stopping.abort();
      const stopped = reporting.then(() => report(true));
      await pTimeout(stopped, { milliseconds: LAST_REPORT_MS, fallback: () => undefined });
    },
  };
}
