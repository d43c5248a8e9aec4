import { STATUSES, type Status } from "@dossier/events";
import type { ExpectedPerson } from "@dossier/simulator";
import { formatCount, formatTable } from "../terminal/table.ts";
import type { Comparison } from "./check.ts";
import type { SendCounts } from "./send.ts";

/** What a simulation did, as `--json` prints it. */
export interface SimulationReport {
  readonly seed: number;
  readonly persons: number;
  readonly sent: SendCounts;
  /** How many persons are expected to have each status. */
  readonly statuses: Readonly<Record<Status, number>>;
  /** `undefined` without `--check`. */
  readonly check: CheckResult | undefined;
}

export type CheckResult =
  | ({ readonly open: 0 } & Comparison)
  /** So many deliveries were not settled in time, and nothing was compared. */
  | { readonly open: number }
  /** The console could not be asked. */
  | { readonly error: string };

/** Counts the statuses of the expected persons. */
export function countStatuses(persons: Iterable<ExpectedPerson>): SimulationReport["statuses"] {
  const counts = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>;
  for (const { status } of persons) counts[status]++;
  return counts;
}

/** Returns a line for each failure of a simulation; none if it succeeded. */
export function listFailures({ sent, check }: SimulationReport): readonly string[] {
  const notAccepted = sent.refused + sent.unanswered;
  return [
    ...(notAccepted > 0
      ? [`${formatCount(notAccepted)} webhooks were not accepted; the first: ${sent.firstError ?? ""}`]
      : []),
    ...(check === undefined ? [] : listCheckFailures(check)),
  ];
}

function listCheckFailures(check: CheckResult): readonly string[] {
  if ("error" in check) return [`the persons were not compared: ${check.error}`];
  if (!("mismatches" in check)) {
    return [`${formatCount(check.open)} deliveries are not settled: is a worker running?`];
  }
  const { mismatched, mismatches } = check;
  if (mismatched === 0) return [];
  return [
    `${formatCount(mismatched)} persons are not in the expected state:`,
    ...mismatches.map(({ entityId, fields }) => `  ${entityId}: ${fields?.join(", ") ?? "not known"}`),
    ...(mismatched > mismatches.length ? [`  and ${formatCount(mismatched - mismatches.length)} more`] : []),
  ];
}

export function formatReport({ seed, persons, sent, statuses, check }: SimulationReport): readonly string[] {
  const { kinds, accepted, refused, unanswered, retries, seconds } = sent;
  const rate = (accepted + refused + unanswered) / seconds;
  const counts: readonly (readonly [string, number, string])[] = [
    ["events", kinds.first, `of ${formatCount(persons)} persons, seed ${seed}`],
    ["redeliveries, new time", kinds.retry, "as iComply retries"],
    ["redeliveries, same bytes", kinds.duplicate, ""],
    ["accepted", accepted, `in ${seconds.toFixed(1)} s, ${formatCount(rate)}/s`],
    ["refused", refused, ""],
    ["not answered", unanswered, ""],
    ["retries", retries, "of requests that were not answered"],
  ];
  const expected = Object.entries(statuses).filter(([, count]) => count > 0);
  return [
    ...formatTable(
      counts.map(([what, count, note]) => [what, formatCount(count), note]),
      [1],
    ),
    "",
    "expected persons by status:",
    ...formatTable(
      expected.map(([status, count]) => [`  ${status}`, formatCount(count)]),
      [1],
    ),
    ...(check !== undefined && "mismatched" in check && check.mismatched === 0
      ? ["", `all ${formatCount(check.persons)} persons are in the expected state`]
      : []),
  ];
}
