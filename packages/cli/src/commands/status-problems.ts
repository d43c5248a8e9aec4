import type { InstancePage, StatsAnswer } from "@dossier/console";
import { formatCount } from "../terminal/table.ts";

/** What `dossier status` knows of the system. */
export interface SystemStatus {
  /** Whether the console can serve what it is for. */
  readonly ready: boolean;
  /** `null` if the console is not ready. */
  readonly stats: StatsAnswer | null;
  readonly instances: InstancePage["items"];
}

const LOOK = "start one, or look at its log";

/**
 * Returns what needs somebody, each as a line that says what is wrong and what to do; none if the system is healthy. Dead
 * letters, failing deliveries and a rebuild are no problems here: they wait for a decision, and everything else goes on.
 */
export function findProblems({ ready, stats, instances }: SystemStatus): readonly string[] {
  if (!ready || stats === null)
    return [
      "The console is not ready, most often because Postgres does not answer it: look at Postgres, and at the console's log.",
    ];
  const alive = (service: string) =>
    instances.filter((instance) => instance.service === service && instance.state === "alive");
  const workers = alive("worker");
  const problems: string[] = [];
  if (alive("ingest").length === 0) problems.push(`No ingest is alive, so no webhook is accepted: ${LOOK}.`);
  if (workers.length === 0) problems.push(`No worker is alive, so no delivery is settled: ${LOOK}.`);
  const { backend, jobs } = stats.queue;
  if (jobs === null)
    problems.push(`The queue does not answer the console: look at ${backend}, and at the console's log.`);
  const { overdue } = stats.deliveries;
  const [paused] = workers;
  if (paused !== undefined && workers.every(({ pausedBecause }) => pausedBecause !== null))
    problems.push(
      `Every worker is paused, so no delivery is settled (${paused.pausedBecause}): look at a worker's log.`,
    );
  else if (overdue > 0 && workers.length > 0 && workers.every((worker) => worker.jobs === 0 && !worker.rate))
    problems.push(
      `${formatCount(overdue)} deliveries are overdue, and no worker holds any: look at /readyz of a worker, and at the queue.`,
    );
  return problems;
}
