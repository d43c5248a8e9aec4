import type { Run } from "./run.ts";

/** A run in a line, or, where something was wrong, with all that helps to find out what. */
export function runLine(seed: number, { ledger, faults, persons, findings, timeline, logs }: Run): string {
  const { sends, accepted, refused, byHand } = ledger;
  const sum = `seed ${seed}: ${faults.length} faults, ${sends} sends of ${accepted.size} webhooks (${refused} without a 200, ${byHand} resent by hand), ${persons} persons`;
  if (findings.length === 0) return `${sum}: all as if nothing had happened`;
  return [
    `${sum}: FAILED`,
    ...timeline.map((line) => `  ${line}`),
    "findings:",
    ...findings,
    `logs: ${logs}`,
  ].join("\n");
}

/** How often each fault befell, over all runs. */
export function faultTable(runs: readonly Run[]): string {
  const kinds = Map.groupBy(
    runs.flatMap(({ faults }) => faults),
    ({ kind }) => kind,
  );
  const rows = [...kinds].map(([kind, faults]) => [kind as string, String(faults.length)] as const);
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  rows.push(["clock of worker-1 an hour ahead, all the time", String(runs.length)]);
  const width = Math.max(...rows.map(([kind]) => kind.length));
  return rows.map(([kind, count]) => `${kind.padEnd(width)}  ${count.padStart(4)}`).join("\n");
}
