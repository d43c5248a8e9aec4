import type { InstancePage, StatsAnswer } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, fetchListPage, type ConsoleClient } from "../console-client.ts";
import { print, printJson } from "../terminal/print.ts";
import { formatCount, formatTable, formatTime } from "../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

export const statusCommand = createCommand("status")
  .summary("show whether the system is healthy, and what waits")
  .description(
    joinParagraphs(
      `Shows whether the console is ready, the backlog, deliveries that fail, dead letters by reason, whether a rebuild is
      needed, and each instance of the services: the jobs that it holds, its rate, and why it does no work.`,
      CONSOLE_ENVIRONMENT,
    ),
  )
  .option("--json", "print it as JSON")
  .addHelpText(
    "after",
    formatExitCodes({ success: "the console is ready", failure: "it is not, or does not answer" }),
  )
  .action(async ({ json = false }) => reportResult(await runStatus(json)));

/** What `--json` prints. */
interface SystemStatus {
  /** Whether the console can serve what it is for. */
  readonly ready: boolean;
  readonly stats: StatsAnswer;
  /** Those that were not stopped, the last seen first. */
  readonly instances: InstancePage["items"];
}

/** Instances that are looked at; more than a system has at a time. */
const MAX_INSTANCES = 500;

async function runStatus(json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const status = await fetchStatus(client.value);
  if (json) printJson(status);
  else print(...formatStatus(status));
  return status.ready ? { ok: true, value: undefined } : { ok: false, error: "The console is not ready." };
}

async function fetchStatus(client: ConsoleClient): Promise<SystemStatus> {
  const [ready, stats, { items }] = await Promise.all([
    client.isReady(),
    client.get<StatsAnswer>("stats"),
    fetchListPage<InstancePage>(client, "instances", {}, MAX_INSTANCES),
  ]);
  return { ready, stats, instances: items.filter(({ state }) => state !== "stopped") };
}

function formatStatus({ ready, stats, instances }: SystemStatus): readonly string[] {
  return [
    ...formatTable([
      ["console", ready ? "ready" : "NOT READY"],
      ...formatRecord(stats),
      ["rebuild", stats.rebuild.needed ? "NEEDED: dossier rebuild" : "not needed"],
      ...formatQueue(stats),
    ]),
    "",
    ...formatInstances(instances),
  ];
}

function formatRecord({ deliveries, deadLetters, naturalPersons, events, feed }: StatsAnswer): string[][] {
  const { open, oldestOpenSeconds, failing } = deliveries;
  const persons = Object.values(naturalPersons).reduce((sum, count) => sum + count, 0);
  const age = oldestOpenSeconds === null ? "" : `, the oldest for ${formatCount(oldestOpenSeconds)} s`;
  return [
    ["backlog", `${formatCount(open)} open deliveries${age}`],
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
  if (instances.length === 0) return ["no instance has reported itself"];
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
