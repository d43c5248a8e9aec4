/** Lines up columns, each as wide as its longest cell; `right` names the columns that end in line. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return right.includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** A count, with its thousands apart. */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", " ");
}
