import type { Consumer } from "@dossier/queue";
import {
  createInstanceReporter,
  describeError,
  type InstanceReporter,
  type InstanceState,
  type Logger,
} from "@dossier/service";
import { removeOldReports, writeReport, type Pool } from "@dossier/store";
import type { OutagePause } from "./outage-pause.ts";

/** Reports this worker. Workers also remove the old reports of all services. */
export function createWorkerReporter(pool: Pool, log: Logger): InstanceReporter {
  return createInstanceReporter({
    service: "worker",
    log,
    async write(report) {
      const now = await writeReport(pool, report);
      await removeOldReports(pool);
      return now;
    },
  });
}

/** Returns the jobs that this worker holds, and why it is paused: by an outage of Postgres or of the queue. */
export async function readState(consumer: Consumer, { outage }: OutagePause): Promise<InstanceState> {
  const error = outage?.error ?? (await consumer.checkReady().catch((reason: unknown) => reason));
  return { jobs: consumer.jobs, pausedBecause: error === undefined ? null : describeError(error).message };
}
