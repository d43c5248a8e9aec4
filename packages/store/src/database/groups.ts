/** Bodies, states or data that one step of a transaction holds. Parsed and sent, they need several times as much memory. */
export const MAX_BYTES = 8 * 1024 * 1024;

/**
 * Returns the items in groups of consecutive ones. Each group has at most this weight, unless a single item has more.
 *
 * @param weigh returns an item's weight, such as its bytes
 */
export function groupByWeight<T>(items: readonly T[], maxWeight: number, weigh: (item: T) => number): T[][] {
  const groups: T[][] = [];
  let room = 0;
  for (const item of items) {
    const weight = weigh(item);
    if (groups.length === 0 || weight > room) {
      groups.push([]);
      room = maxWeight;
    }
    groups.at(-1)?.push(item);
    room -= weight;
  }
  return groups;
}
