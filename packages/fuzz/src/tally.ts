import { formatCount, formatTable } from "@dossier/cli/terminal/table";

/** Counts how the cases of each category were answered and settled. */
export class Tally {
  cases = 0;
  accepted = 0;
  readonly #categories = new Map<string, Map<string, number>>();

  add(category: string, status: number | "none", settlement: string | undefined): void {
    this.cases += 1;
    if (settlement !== undefined) this.accepted += 1;
    const counts = this.#categories.get(category) ?? new Map<string, number>();
    this.#categories.set(category, counts);
    for (const column of ["cases", String(status), ...(settlement === undefined ? [] : [settlement])]) {
      counts.set(column, (counts.get(column) ?? 0) + 1);
    }
  }

  /** Returns a row for each category and one for all, with columns for cases, answers and settlements. */
  format(): string {
    const categories = [...this.#categories];
    const columns = [...new Set(categories.flatMap(([, counts]) => [...counts.keys()]))].toSorted(
      (a, b) => rank(a) - rank(b) || (a < b ? -1 : 1),
    );
    const total = (column: string) =>
      categories.reduce((sum, [, counts]) => sum + (counts.get(column) ?? 0), 0);
    const rows = [
      ["category", ...columns],
      ...categories.map(([category, counts]) => [
        category,
        ...columns.map((column) => formatCell(counts.get(column))),
      ]),
      ["all", ...columns.map((column) => formatCell(total(column)))],
    ];
    return formatTable(
      rows,
      columns.map((_, index) => index + 1),
    ).join("\n");
  }
}

function formatCell(count: number | undefined): string {
  return count === undefined ? "" : formatCount(count);
}

/** Orders the columns: cases, statuses, no answer, settlements. */
function rank(column: string): number {
  if (column === "cases") return 0;
  if (/^\d+$/.test(column)) return Number(column);
  return column === "none" ? 1_000 : 2_000;
}
