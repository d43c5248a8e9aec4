import { formatCount, formatTable } from "@dossier/cli/terminal/table";
import type { ChaosRunResult } from "./run.ts";

/** Returns a line about a run; if it failed, followed by its timeline, the violations and where the logs are. */
export function formatRun({
  seed,
  faults,
  answers,
  persons,
  violations,
  timeline,
  logs,
}: ChaosRunResult): string {
  const { accepted, failed, exhausted } = answers;
  const passed = violations.length === 0;
  const summary = [
    `${formatCount(faults.length)} faults`,
    `${formatCount(persons)} persons`,
    `${formatCount(accepted.size)} webhooks accepted`,
    `${formatCount(failed)} requests without a 200`,
    `${formatCount(exhausted)} manual redeliveries`,
  ];
  const line = `seed ${seed} ${passed ? "passed" : "FAILED"}: ${summary.join(", ")}`;
  if (passed) return line;
  const indent = (lines: readonly string[]) => lines.map((text) => `  ${text}`);
  return [line, "timeline:", ...indent(timeline), "violations:", ...indent(violations), `logs: ${logs}`].join(
    "\n",
  );
}

/** Returns how often each fault was injected in all runs, as a table. */
export function formatFaults(runs: readonly ChaosRunResult[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of runs.flatMap(({ faults }) => faults)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const rows = [
    ...[...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)),
    ["clock-skew (worker-1)", runs.length] as const,
  ];
  const table = formatTable(
    [["fault", "injected"], ...rows.map(([kind, count]) => [kind, formatCount(count)])],
    [1],
  ).join("\n");
  if (counts.has("postgres-disk-full")) return table;
  return `${table}\npostgres-disk-full was not injected: not drawn, or no small disk could be mounted`;
}
