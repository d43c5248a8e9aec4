import type { Consumer } from "@dossier/queue";
import { outageLog, type InstanceState, type Logger } from "@dossier/service";
import { removeOldReports, type PauseReason, type Pool } from "@dossier/store";
import type { OutagePause } from "./outage-pause.ts";
import { repeatUntilShutdown } from "./repeat.ts";

/** Returns the jobs that this worker holds, and why it is paused: by an outage of Postgres or of the queue. */
export async function readState(consumer: Consumer, { outage }: OutagePause): Promise<InstanceState> {
  const findReason = async (): Promise<PauseReason | null> => {
    if (outage !== undefined) return "postgres-unavailable";
    return consumer.checkReady().then(
      () => null,
      () => "queue-unavailable",
    );
  };
  return { jobs: consumer.jobs, pausedBecause: await findReason() };
}

const REMOVAL_INTERVAL_MS = 60_000;

/** Removes the old reports of all services, at once and every minute. Resolves at shutdown. */
export async function runReportRemoval(pool: Pool, log: Logger, shutdownSignal: AbortSignal): Promise<void> {
  const outage = outageLog(log, {
    began: { code: "report-removal-failed", message: "old reports not removed; retrying" },
    ended: { code: "report-removal-recovered", message: "old reports are removed again" },
  });
  await repeatUntilShutdown(
    () => outage.watch(() => removeOldReports(pool)).catch(() => undefined),
    REMOVAL_INTERVAL_MS,
    shutdownSignal,
  );
}
