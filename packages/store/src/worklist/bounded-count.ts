/** Counting goes on until one more than this is found: nobody needs to know how many more there are. */
export const COUNTED_UP_TO = 10_000;

/** A count that is exact up to 10,000. */
export interface BoundedCount {
  readonly count: number;
  /** Whether there are more. */
  readonly isMore: boolean;
}

/** Counts a list of which a page was read, unless that is all of it. */
export async function countUnlessAll(
  { listed, isAll }: { readonly listed: number; readonly isAll: boolean },
  count: () => Promise<BoundedCount>,
): Promise<BoundedCount> {
  return isAll ? boundedCount(listed) : count();
}

/** @param counted at most `COUNTED_UP_TO` + 1 */
export function boundedCount(counted: number | bigint): BoundedCount {
  return { count: Math.min(Number(counted), COUNTED_UP_TO), isMore: counted > COUNTED_UP_TO };
}
