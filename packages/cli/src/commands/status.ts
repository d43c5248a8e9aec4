import type { InstancePage, StatsAnswer } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, fetchItems, type ConsoleClient } from "../console-client.ts";
import { print, printJson } from "../terminal/print.ts";
import { formatCount, formatTable, formatTime } from "../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";
import { findProblems, type SystemStatus } from "./status-problems.ts";

export const statusCommand = createCommand("status")
  .summary("show whether the system is healthy, and what waits")
  .description(
    joinParagraphs(
      `Shows whether the console is ready, the backlog, deliveries that fail, dead letters by reason, whether a rebuild is
      needed, and each instance of the services: the jobs that it holds, its rate, and why it does no work. Instances
      that were not stopped and are no longer seen are lost; they are shown for an hour. The last line says that the
      system is healthy, or what is wrong and what to do.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .option("--json", "print it as JSON")
  .addHelpText(
    "after",
    formatExitCodes({ success: "healthy", failure: "something needs you: the last line says what" }),
  )
  .action(async ({ json = false }) => reportResult(await runStatus(json)));

/** How long a lost instance is shown: whoever is called should see what was lost, and not every one of this month. */
const LOST_SHOWN_SECONDS = 3_600;

/** Instances that are looked at; more than a system has in an hour. */
const MAX_INSTANCES = 5_000;

async function runStatus(json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const status = await fetchStatus(client.value);
  const problems = findProblems(status);
  if (json) printJson({ ...status, problems });
  else print(...formatStatus(status));
  if (problems.length > 0) return { ok: false, error: problems.join("\n") };
  if (!json)
    print("Healthy: ingest and a worker are alive, the queue answers, and no delivery is left behind.");
  return { ok: true, value: undefined };
}

async function fetchStatus(client: ConsoleClient): Promise<SystemStatus> {
  if (!(await client.isReady())) return { ready: false, stats: null, instances: [] };
  const seenWithinSeconds = String(LOST_SHOWN_SECONDS);
  const [stats, { items }] = await Promise.all([
    client.get<StatsAnswer>("stats"),
    fetchItems<InstancePage>(client, "instances", { seenWithinSeconds }, MAX_INSTANCES),
  ]);
  return { ready: true, stats, instances: items.filter(({ state }) => state !== "stopped") };
}

function formatStatus({ stats, instances }: SystemStatus): readonly string[] {
  if (stats === null) return formatTable([["console", "NOT READY"]]);
  return [
    ...formatTable([
      ["console", "ready"],
      ...formatRecord(stats),
      ["rebuild", stats.rebuild.needed ? "NEEDED: dossier rebuild" : "not needed"],
      ...formatQueue(stats),
    ]),
    "",
    ...formatInstances(instances),
    "",
  ];
}

function formatRecord({ deliveries, deadLetters, naturalPersons, events, feed }: StatsAnswer): string[][] {
  const { open, oldestOpenSeconds, failing, overdue } = deliveries;
  const persons = Object.values(naturalPersons).reduce((sum, count) => sum + count, 0);
  const age = oldestOpenSeconds === null ? "" : `, the oldest for ${formatCount(oldestOpenSeconds)} s`;
  return [
    ["backlog", `${formatCount(open)} open deliveries${age}`],
    ["overdue", `${formatCount(overdue)} of them`],
    ["failing", `${formatCount(failing)} of them${failing > 0 ? ": dossier failing" : ""}`],
    ["dead letters", formatCounts(deadLetters)],
    ["discarded", formatCount(deliveries.discarded)],
    ["persons", `${formatCount(persons)}: ${formatCounts(naturalPersons)}`],
    ["events", `${formatCount(events.total)}; not recognised: ${formatCounts(events.unrecognised)}`],
    ["change feed", `${formatCount(feed.lastPosition)} changes, ${formatCount(feed.behindSeconds)} s behind`],
  ];
}

function formatQueue({ queue: { backend, jobs } }: StatsAnswer): string[][] {
  return [[`queue (${backend})`, jobs === null ? "DOES NOT ANSWER" : formatCounts(jobs)]];
}

function formatInstances(instances: InstancePage["items"]): readonly string[] {
  if (instances.length === 0) return ["no instance has reported itself in the last hour"];
  const rows = instances.map((instance) => [
    instance.service,
    instance.host,
    String(instance.pid),
    instance.version,
    instance.state === "alive" ? "alive" : `LOST at ${formatTime(instance.lastSeenAt)}`,
    formatCount(instance.jobs),
    instance.rate === null ? "–" : `${formatCount(instance.rate)}/s`,
    instance.pausedBecause === null ? "" : `PAUSED: ${instance.pausedBecause}`,
  ]);
  return formatTable([["INSTANCE", "HOST", "PID", "VERSION", "STATE", "JOBS", "RATE"], ...rows], [5, 6]);
}

function formatCounts(counts: Readonly<Partial<Record<string, number>>>): string {
  const some = Object.entries(counts).filter(([, count = 0]) => count > 0);
  return some.map(([name, count = 0]) => `${name} ${formatCount(count)}`).join(", ") || "none";
}
