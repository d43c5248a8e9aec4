import { formatNumber, type Row, type Table } from "../result.ts";
import { median } from "../statistics.ts";

export interface Loss {
  /** Webhooks that were answered 200. */
  readonly accepted: number;
  readonly recorded: number;
  readonly unsettled: number;
}

/** How much more is still flat. */
const FLAT = 1.1;

/** Returns in words what a soak and a flood were run for. */
export function answerQuestions(
  soak: readonly Row[],
  [flood, after]: readonly Row[],
  [, answers]: readonly Row[],
  { accepted, recorded, unsettled }: Loss,
): Table {
  const [first, last] = [soak.slice(0, soak.length / 3), soak.slice(-soak.length / 3)];
  const compare = (name: string) =>
    `${formatNumber(medianOf(first, name))} → ${formatNumber(medianOf(last, name))}`;
  const isFlat = (name: string) => medianOf(last, name) <= FLAT * medianOf(first, name);
  const memory = Object.keys(soak[0]?.figures ?? {}).filter((name) => name.startsWith("MB, "));
  const listOf = (names: readonly string[]) => names.map((name) => name.slice(4)).join(", ");
  const grown = memory.filter((name) => !isFlat(name));
  const of = (row: Row | undefined, name: string) => row?.figures[name]?.[0] ?? Number.NaN;
  const flooded = (name: string) => formatNumber(of(answers, name));
  const isAllAnswered = of(answers, "no answer") + of(answers, "otherwise") === 0;
  const isBack = of(after, "p99 ms") <= FLAT * medianOf(first, "p99 ms");
  const rows = [
    [
      "Is the memory flat?",
      `${grown.length === 0 ? "yes" : `not of ${listOf(grown)}`}: MB, ` +
        memory.map((name) => `${name.slice(4)} ${compare(name)}`).join("; "),
    ],
    ["Is the p99 flat?", `${isFlat("p99 ms") ? "yes" : "no"}: ms, ${compare("p99 ms")}`],
    [
      "Is the excess of the flood answered 503?",
      `${isAllAnswered ? "yes" : "no"}: ${flooded("answered 503")} were; ${flooded("answered 200")} were accepted, ` +
        `${flooded("no answer")} got no answer, ${flooded("otherwise")} another one; ` +
        `${flooded("not sent, as 4,000 wait")} that were due could not be sent`,
    ],
    [
      "What memory does the flood take?",
      memory
        .map(
          (name) =>
            `${name.slice(4)} ${formatNumber(of(soak.at(-1), name))} → ${formatNumber(of(flood, name))} MB`,
        )
        .join("; "),
    ],
    [
      "Is anything lost?",
      recorded >= accepted && unsettled === 0
        ? `no: ${formatNumber(accepted)} were answered 200, ${formatNumber(recorded)} are recorded, and all are settled`
        : `yes: ${formatNumber(accepted)} were answered 200, ${formatNumber(recorded)} are recorded, and ${formatNumber(unsettled)} are not settled`,
    ],
    [
      "Is it as at first, after the flood?",
      `${isBack ? "yes" : "no"}: all was settled ${flooded("settled after s")} s after it; then the p99 was ` +
        `${formatNumber(of(after, "p99 ms"))} ms; ${compare("p99 ms")} in the soak`,
    ],
  ];
  return {
    title: "The first third of the soak → its last third",
    keys: ["question", "answer"],
    rows: rows.map((keys) => ({ keys, figures: {} })),
  };
}

function medianOf(rows: readonly Row[], name: string): number {
  return median(rows.map(({ figures }) => figures[name]?.[0] ?? Number.NaN));
}
