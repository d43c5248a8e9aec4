/** Returns the rows as lines with aligned columns; those in `alignRight`, by index, are padded on the left. */
export function formatTable(
  rows: readonly (readonly string[])[],
  alignRight: readonly number[] = [],
): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return alignRight.includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Returns a count, rounded, with a space between thousands: `12 345`. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", " ");
}
