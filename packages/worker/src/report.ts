import type { Consumer } from "@dossier/queue";
import { outageLog, type InstanceState, type Logger } from "@dossier/service";
import { removeOldReports, removeOldSets, type PauseReason, type Pool } from "@dossier/store";
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

/** Removes old reports and old sets of bulk actions, at once and every minute. Resolves at shutdown. */
export async function runRemoval(pool: Pool, log: Logger, shutdownSignal: AbortSignal): Promise<void> {
  const outage = outageLog(log, {
    began: { code: "removal-failed", message: "old rows not removed; retrying" },
    ended: { code: "removal-recovered", message: "old rows are removed again" },
  });
  await repeatUntilShutdown(
    () => outage.watch(() => removeOld(pool)).catch(() => undefined),
    REMOVAL_INTERVAL_MS,
    shutdownSignal,
  );
}

async function removeOld(pool: Pool): Promise<void> {
  await removeOldReports(pool);
  await removeOldSets(pool);
}
