import { formatTable } from "@dossier/cli/terminal/table";
import { median } from "./statistics.ts";

/** What was measured, as a table. */
export interface Table {
  readonly title: string;
  /** What the rows differ by. */
  readonly keys: readonly string[];
  readonly rows: readonly Row[];
  /** The figures that are plotted as bars, each by itself. */
  readonly bars?: readonly string[];
  /** The figures of each plot of lines. Its rows are points of time. */
  readonly lines?: readonly (readonly string[])[];
  /** The figures by which the first row, which is ours, is compared with others that have the same further keys. */
  readonly compare?: readonly string[];
}

export interface Row {
  readonly keys: readonly string[];
  /** The values of each figure, one for each round; the figure's name has its unit. */
  readonly figures: Readonly<Record<string, readonly number[]>>;
}

/** Returns a table's cells: of each figure the median, and the least and the greatest value of several rounds. */
function toCells(table: Table): readonly (readonly string[])[] {
  const { keys, compare = [] } = table;
  const rows = table.rows.map((row) => {
    const ours = table.rows.find((other) => other.keys.slice(1).join() === row.keys.slice(1).join());
    const ratios = compare.map((figure) => compareRow(figure, ours, row));
    return { ...row, figures: { ...row.figures, ...Object.fromEntries(ratios) } };
  });
  const names = Object.keys(rows[0]?.figures ?? {});
  return [
    [...keys, ...names],
    ...rows.map((row) => [...row.keys, ...names.map((name) => formatFigure(row.figures[name] ?? []))]),
  ];
}

/** Returns the ratio of each round, which is greater the better we are. */
function compareRow(
  figure: string,
  ours: Row | undefined,
  row: Row,
): readonly [name: string, ratios: readonly number[]] {
  const isRate = figure.endsWith("/s");
  const others = row.figures[figure] ?? [];
  const ratios = (ours?.figures[figure] ?? []).map((value, round) => value / (others[round] ?? Number.NaN));
  return isRate ? ["ours ÷ this", ratios] : ["CPU, this ÷ ours", ratios.map((ratio) => 1 / ratio)];
}

/** Returns a table as lines for a terminal. */
export function toLines(table: Table): readonly string[] {
  const cells = toCells(table);
  const figures = (cells[0] ?? []).map((_, column) => column).slice(table.keys.length);
  return [table.title, ...formatTable(cells, figures), ""];
}

/** Returns a table as lines of Markdown. */
export function toMarkdown(table: Table): readonly string[] {
  const [head = [], ...rows] = toCells(table);
  const rule = head.map((_, column) => (column < table.keys.length ? "---" : "---:"));
  return [`**${table.title}**`, "", ...[head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`), ""];
}

function formatFigure(values: readonly number[]): string {
  if (values.length === 0 || values.some(Number.isNaN)) return "–";
  const [least, middle, most] = [Math.min(...values), median(values), Math.max(...values)].map(formatNumber);
  return least === most ? `${middle}` : `${middle} (${least}–${most})`;
}

export function formatNumber(value: number): string {
  // Of what it is rounded to: 99.96 is 100.
  const digits = value >= 99.95 || Number.isInteger(value) ? 0 : value >= 9.995 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
