/** Which page of a list is read: at most `limit` items, those behind the position `after`. */
export interface PageRequest<Position> {
  readonly limit: number;
  readonly after?: Position | undefined;
}

/**
 * Returns the row behind which the next page begins; `undefined` if this one is the last. A page whose last row is the
 * list's last has a next one, which is empty.
 *
 * @param matches how many rows there were before the page was cut to so many bytes
 */
export function endOfPage<Row>(
  rows: readonly Row[],
  limit: number,
  matches: bigint | number = 0,
): Row | undefined {
  return rows.length === limit || rows.length < matches ? rows.at(-1) : undefined;
}
