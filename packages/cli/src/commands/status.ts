import type { StatsAnswer } from "@dossier/console";
import type { Result } from "@dossier/service";
import { CONSOLE_ENVIRONMENT, connectConsole, type ConsoleClient } from "../console-client.ts";
import { print, printJson } from "../terminal/print.ts";
import { formatCount, formatTable } from "../terminal/table.ts";
import { createCommand, formatExitCodes, joinParagraphs, reportResult } from "./command.ts";

export const statusCommand = createCommand("status")
  .summary("show whether the system is healthy, and what waits")
  .description(
    joinParagraphs(
      "Shows whether the console is ready, the backlog, deliveries that fail, and dead letters by reason.",
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
}

async function runStatus(json: boolean): Promise<Result<void>> {
  const client = await connectConsole();
  if (!client.ok) return client;
  const status = await fetchStatus(client.value);
  if (json) printJson(status);
  else print(...formatStatus(status));
  return status.ready ? { ok: true, value: undefined } : { ok: false, error: "The console is not ready." };
}

async function fetchStatus(client: ConsoleClient): Promise<SystemStatus> {
  const [ready, stats] = await Promise.all([client.isReady(), client.get<StatsAnswer>("stats")]);
  return { ready, stats };
}

function formatStatus({ ready, stats }: SystemStatus): readonly string[] {
  return formatTable([
    ["console", ready ? "ready" : "NOT READY"],
    ...formatRecord(stats),
    ...formatQueue(stats),
  ]);
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

function formatCounts(counts: Readonly<Partial<Record<string, number>>>): string {
  const some = Object.entries(counts).filter(([, count = 0]) => count > 0);
  return some.map(([name, count = 0]) => `${name} ${formatCount(count)}`).join(", ") || "none";
}
