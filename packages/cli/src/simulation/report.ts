import { count, table } from "../terminal/table.ts";
import type { Checked, Unchecked } from "./check.ts";
import type { Statuses } from "./expectations.ts";
import type { Tally } from "./stream.ts";

/** What a simulation did, as `--json` prints it. */
export interface Report {
  readonly seed: number;
  readonly persons: number;
  readonly sent: Tally;
  /** How many persons must have each status. */
  readonly statuses: Statuses;
  readonly checked: Checked | Unchecked | undefined;
}

/** What keeps a simulation from being a success; nothing where it is one. */
export function faults({ sent, checked }: Report): readonly string[] {
  const lost = sent.refused + sent.unanswered;
  return [
    ...(lost > 0 ? [`${count(lost)} webhooks were not accepted; the first: ${sent.firstFault ?? ""}`] : []),
    ...(checked === undefined ? [] : faultsOfFiles(checked)),
  ];
}

function faultsOfFiles(checked: Checked | Unchecked): readonly string[] {
  if ("fault" in checked) return [`the files were not compared: ${checked.fault}`];
  const { open, deviating, deviations } = checked;
  if (open > 0) return [`${count(open)} deliveries stay unsettled: is a worker running?`];
  if (deviating === 0) return [];
  return [
    `${count(deviating)} files are not as they must be:`,
    ...deviations.map(({ entityId, fields }) => `  ${entityId}: ${fields?.join(", ") ?? "not known"}`),
    ...(deviating > deviations.length ? [`  and ${count(deviating - deviations.length)} more`] : []),
  ];
}

export function inWords({ seed, persons, sent, statuses, checked }: Report): string {
  const { kinds, accepted, refused, unanswered, retries, seconds } = sent;
  const rate = (accepted + refused + unanswered) / seconds;
  const counts: readonly (readonly [string, number, string])[] = [
    ["events", kinds.first, `of ${count(persons)} persons, seed ${seed}`],
    ["redelivered, new time", kinds.retry, "as an honest retry is"],
    ["redelivered, same bytes", kinds.duplicate, ""],
    ["accepted", accepted, `in ${seconds.toFixed(1)} s, ${count(rate)}/s`],
    ["refused", refused, ""],
    ["without an answer", unanswered, ""],
    ["sent again", retries, "because the first try found no answer"],
  ];
  const files = Object.entries(statuses).filter(([, persons]) => persons > 0);
  return [
    table(
      counts.map(([what, n, note]) => [what, count(n), note]),
      [1],
    ),
    "",
    "the files must be:",
    table(
      files.map(([status, n]) => [`  ${status}`, count(n)]),
      [1],
    ),
    ...(checked !== undefined && !("fault" in checked) && checked.open === 0 && checked.deviating === 0
      ? ["", `all ${count(checked.persons)} files are as they must be`]
      : []),
  ].join("\n");
}
