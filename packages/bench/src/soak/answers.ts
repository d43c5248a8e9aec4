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
  afterFlood: Row | undefined,
  [, flood]: readonly Row[],
  { accepted, recorded, unsettled }: Loss,
): Table {
  const [first, last] = [soak.slice(0, soak.length / 3), soak.slice(-soak.length / 3)];
  const compare = (name: string) =>
    `${formatNumber(medianOf(first, name))} → ${formatNumber(medianOf(last, name))}`;
  const areFlat = (names: readonly string[]) =>
    names.every((name) => medianOf(last, name) <= FLAT * medianOf(first, name)) ? "yes" : "no";
  const memory = Object.keys(soak[0]?.figures ?? {}).filter((name) => name.startsWith("MB, "));
  const of = (row: Row | undefined, name: string) => row?.figures[name]?.[0] ?? Number.NaN;
  const answered = (name: string) => formatNumber(of(flood, name));
  const rows = [
    [
      "Is the memory flat?",
      `${areFlat(memory)}: MB, ${memory.map((name) => `${name.slice(4)} ${compare(name)}`).join("; ")}`,
    ],
    ["Is the p99 flat?", `${areFlat(["p99 ms"])}: ms, ${compare("p99 ms")}`],
    [
      "Is the excess of the flood answered 503?",
      `${answered("answered 503")} were; ${answered("answered 200")} were accepted, ` +
        `${answered("no answer")} got no answer, ${answered("otherwise")} another one`,
    ],
    [
      "Is anything lost?",
      recorded >= accepted && unsettled === 0
        ? `no: ${formatNumber(accepted)} were answered 200, ${formatNumber(recorded)} are recorded, and all are settled`
        : `yes: ${formatNumber(accepted)} were answered 200, ${formatNumber(recorded)} are recorded, and ${formatNumber(unsettled)} are not settled`,
    ],
    [
      "When is it as before the flood?",
      `all was settled ${answered("settled after s")} s after it; then p99 ${formatNumber(of(afterFlood, "p99 ms"))} ms`,
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
