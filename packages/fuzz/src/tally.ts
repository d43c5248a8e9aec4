/** How the cases of each category were answered and settled. */
export class Tally {
  cases = 0;
  accepted = 0;
  readonly #counts = new Map<string, Map<string, number>>();

  add(category: string, status: number | "none", outcome: string | undefined): void {
    this.cases += 1;
    if (outcome !== undefined) this.accepted += 1;
    const counts = this.#counts.get(category) ?? new Map<string, number>();
    this.#counts.set(category, counts);
    for (const what of ["cases", String(status), ...(outcome === undefined ? [] : [outcome])]) {
      counts.set(what, (counts.get(what) ?? 0) + 1);
    }
  }

  /** Category by cases, answers and settlements, with their sums, in columns. */
  table(): string {
    const seen = new Set([...this.#counts.values()].flatMap((counts) => [...counts.keys()]));
    const columns = [...seen].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    const sum = (what: string) =>
      [...this.#counts.values()].reduce((total, counts) => total + (counts.get(what) ?? 0), 0);
    const rows = [
      ["category", ...columns],
      ...[...this.#counts].map(([category, counts]) => [
        category,
        ...columns.map((what) => String(counts.get(what) ?? "")),
      ]),
      ["all", ...columns.map((what) => String(sum(what)))],
    ];
    const widths = columns.map((_, at) => Math.max(...rows.map((row) => (row[at + 1] ?? "").length)));
    const first = Math.max(...rows.map(([category = ""]) => category.length));
    return rows
      .map(([category = "", ...cells]) =>
        [category.padEnd(first), ...cells.map((cell, at) => cell.padStart(widths[at] ?? 0))].join("  "),
      )
      .join("\n");
  }
}

/** Cases first, then answers by number, then no answer, then settlements. */
function rank(column: string): number {
  if (column === "cases") return 0;
  if (/^\d+$/.test(column)) return Number(column);
  return column === "none" ? 1_000 : 2_000;
}
