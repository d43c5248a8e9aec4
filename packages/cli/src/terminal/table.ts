import { escapeControls } from "./print.ts";

/** Returns the rows as lines with aligned columns; those in `alignRight`, by index, are padded on the left. */
export function formatTable(
  rows: readonly (readonly string[])[],
  alignRight: readonly number[] = [],
): readonly string[] {
  const escaped = rows.map((row) => row.map(escapeControls));
  const widths = (escaped[0] ?? []).map((_, column) =>
    Math.max(...escaped.map((row) => row[column]?.length ?? 0)),
  );
  return escaped.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return alignRight.includes(column) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Returns a count, rounded, with a space between thousands: `12 345`. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString("en").replaceAll(",", " ");
}

/** Returns a time of the API to the second. */
export function formatTime(time: string): string {
  return `${time.slice(0, 19)}Z`;
}
