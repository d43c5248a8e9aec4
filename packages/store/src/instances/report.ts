import type { Pool } from "../database/pool.ts";
import { jsonLines, sqlFile } from "../database/statements.ts";

/** What a running service says of itself. */
export interface InstanceReport {
  /** Of this start of the service. */
  readonly instanceId: string;
  readonly service: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  /** Whether this is its last report, at a clean shutdown. */
  readonly stopped: boolean;
  /** Why it does no work, one of `PAUSE_REASONS`; `null` while it works. */
  readonly pausedBecause: string | null;
  /** The jobs that it holds. */
  readonly jobs: number;
  /** What it counted per second since its last report; `null` if it counts nothing. */
  readonly rate: number | null;
  /** Its counts of each minute in which they have changed. */
  readonly minutes: readonly MinuteCounts[];
  /** What may be shown of its configuration, by the variable's name. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Of the webhook secrets that it accepts. */
  readonly secretFingerprints?: readonly string[];
}

export interface MinuteCounts {
  /** Minutes since 1970. */
  readonly minute: number;
  /** All that it has counted in this minute so far, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

/** A report that takes longer than 5 s is given up: the next one says all that it said. */
const SHORT_TIMEOUT = { query_timeout: 5_000 };

const writeReportOf = sqlFile("write_report");

/**
 * Writes an instance's report, in a transaction of its own. Returns Postgres' time, in milliseconds since 1970. Writing a
 * report again changes nothing. A service can write its own reports alone, and no time but that of Postgres.
 */
export async function writeReport(pool: Pool, report: InstanceReport): Promise<number> {
  const { instanceId, service, version, host, pid, stopped, pausedBecause, jobs, rate, minutes } = report;
  const { settings = {}, secretFingerprints = [] } = report;
  const { rows } = await pool.query<{ now_ms: number }>({
    ...writeReportOf,
    values: [
      ...[instanceId, service, version, host, pid, stopped, pausedBecause, jobs, rate],
      minutes.map(({ minute }) => minute),
      jsonLines(minutes.map(({ counts }) => JSON.stringify(counts))),
      JSON.stringify(settings),
      secretFingerprints,
    ],
    ...SHORT_TIMEOUT,
  });
  const [written] = rows;
  if (written === undefined) throw new Error("writing a report returned no row");
  return written.now_ms;
}

const KEPT_DAYS = 30;

/** Far more than the instances of an installation write between two calls. */
const MAX_REMOVED = 1_000;

const removeOld = sqlFile("remove_old_reports");

/** Removes reports older than 30 days, at most 1,000 of each kind. */
export async function removeOldReports(pool: Pool): Promise<void> {
  await pool.query({ ...removeOld, values: [KEPT_DAYS, MAX_REMOVED], ...SHORT_TIMEOUT });
}
