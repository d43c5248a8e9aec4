/** What a service counts of its work: webhooks by their answer, deliveries by their outcome. */
export type CountName = `webhook/${string}` | `outcome/${string}`;

export interface MinuteCounts {
  /** Minutes since 1970. */
  readonly minute: number;
  /** All that was counted in this minute so far, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface Counter {
  add(name: CountName, count?: number): void;
  /** Counts deliveries whose person's state was committed just now, by the time since their receipt. */
  addApplied(receivedMs: readonly number[]): void;
  /** How many were added since the start, by `add` alone. */
  readonly total: number;
  /** Returns the minutes that have changed since they were last taken. */
  takeChanged(): readonly MinuteCounts[];
  /** Makes minutes changed again, as they could not be reported. */
  putBack(minutes: readonly MinuteCounts[]): void;
}

/** The upper bound of the histogram's last bucket, which takes all longer times too: a year, in milliseconds. */
const LONGEST_MS = 31_536_000_000;

/** Upper bounds of the histogram's buckets, in milliseconds. */
const BOUNDS_MS = [
  ...[5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000],
  ...[300_000, 900_000, 3_600_000, 21_600_000, 86_400_000, 604_800_000, LONGEST_MS],
];

/** How long an outage of Postgres may last until counts are lost. */
const KEPT_MINUTES = 60;

const MINUTE_MS = 60_000;

/** @param now returns the record's time, in milliseconds since 1970 */
export function createCounter(now: () => number): Counter {
  const minutes = new Map<number, Map<string, number>>();
  const changed = new Set<number>();
  let total = 0;

  function add(name: string, count: number): void {
    const minute = Math.floor(now() / MINUTE_MS);
    const counts = minutes.get(minute) ?? openMinute(minute);
    counts.set(name, (counts.get(name) ?? 0) + count);
    changed.add(minute);
  }

  /** Minutes are kept after they were taken: if the clock is set back, counting goes on where it was. */
  function openMinute(minute: number): Map<string, number> {
    const [oldest] = minutes.keys();
    if (oldest !== undefined && minutes.size >= KEPT_MINUTES) {
      minutes.delete(oldest);
      changed.delete(oldest);
    }
    const counts = new Map<string, number>();
    minutes.set(minute, counts);
    return counts;
  }

  return {
    add(name, count = 1) {
      total += count;
      add(name, count);
    },
    addApplied(receivedMs) {
      const at = now();
      const byBound = countBy(receivedMs, (each) => boundOf(at - each));
      for (const [bound, count] of byBound) add(`applied-within-ms/${bound}`, count);
    },
    get total() {
      return total;
    },
    takeChanged() {
      const taken = [...changed].map((minute) => ({
        minute,
        counts: Object.fromEntries(minutes.get(minute) ?? []),
      }));
      changed.clear();
      return taken;
    },
    putBack(taken) {
      for (const { minute } of taken) if (minutes.has(minute)) changed.add(minute);
    },
  };
}

function boundOf(tookMs: number): number {
  return BOUNDS_MS.find((bound) => tookMs <= bound) ?? LONGEST_MS;
}

/** Counts items by a key. Many are counted for each of few keys, so that counting costs next to nothing. */
export function countBy<Item, Key>(
  items: Iterable<Item>,
  keyOf: (item: Item) => Key,
): ReadonlyMap<Key, number> {
  const counts = new Map<Key, number>();
  for (const item of items) {
    const key = keyOf(item);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}
