/** There is no room for an item. Nothing was done with it. */
export class BufferFullError extends Error {
  override readonly name = "BufferFullError";
}

export interface GroupCommitOptions<I> {
  /** Returns an item's weight, such as its bytes or its number of entries. */
  readonly weigh: (item: I) => number;
  /** The greatest weight of one flush; a single item may exceed it. More means fewer commits and more memory. */
  readonly maxFlush: number;
  /** The greatest weight that may wait or be in flight; further items are rejected. Bounds the memory. */
  readonly maxWaiting: number;
  /** How long a caller waits, in milliseconds; the flush may still succeed. Default: until it has ended. */
  readonly timeoutMs?: number;
  /**
   * How many flushes may be in flight. A further one begins only if `maxFlush` waits, so that flushes stay large. It uses
   * the time that another one waits for its commit, and may end before it. Default 1.
   */
  readonly flushesAtOnce?: number;
}

export interface GroupCommit<I, O> {
  /** Returns the output for the item. Rejects with the error of its flush, with `BufferFullError`, or after `timeoutMs`. */
  submit(item: I): Promise<O>;
  /** Resolves when nothing is waiting and nothing is in flight. */
  idle(): Promise<void>;
}

interface Waiting<I, O> {
  readonly item: I;
  readonly weight: number;
  /** On the clock of `performance.now()`. */
  readonly waitsUntil: number;
  readonly resolve: (output: O) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets concurrent callers share a commit. While a flush is in flight, the items that arrive form the next one. So an item
 * is flushed at once under light load, and flushes grow under heavy load.
 *
 * @param flush receives items in the order of submission, and returns one output for each, in the same order
 */
export function groupCommit<I, O>(
  flush: (items: readonly I[]) => Promise<readonly O[]>,
  {
    weigh,
    maxFlush,
    maxWaiting,
    timeoutMs = Number.POSITIVE_INFINITY,
    flushesAtOnce = 1,
  }: GroupCommitOptions<I>,
): GroupCommit<I, O> {
  let queue: Waiting<I, O>[] = [];
  let queued = 0;
  /** The one that began first comes first. */
  const inFlight = new Set<readonly Waiting<I, O>[]>();
  let timer: NodeJS.Timeout | undefined;
  let held = 0;
  let lanes = 0;
  let busy: PromiseWithResolvers<void> | undefined;

  /** Flushes one batch after the other, until no more is due. */
  async function runLane(): Promise<void> {
    lanes += 1;
    busy ??= Promise.withResolvers();
    // Items that are submitted in the same turn of the event loop share a flush.
    await new Promise(setImmediate);
    while (queue.length > 0 && (inFlight.size === 0 || queued >= maxFlush)) {
      const batch = takeBatch();
      inFlight.add(batch);
      try {
        const outputs = await flush(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, i) => resolve(outputs[i] as O));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      inFlight.delete(batch);
      held -= weightOf(batch);
    }
    // What still waits is due once another lane's flush has ended.
    lanes -= 1;
    if (lanes > 0) return;
    busy.resolve();
    busy = undefined;
  }

  function takeBatch(): readonly Waiting<I, O>[] {
    let weight = 0;
    const end = queue.findIndex((waiting, i) => (weight += waiting.weight) > maxFlush && i > 0);
    const batch = end === -1 ? queue : queue.slice(0, end);
    queue = end === -1 ? [] : queue.slice(end);
    queued -= weightOf(batch);
    return batch;
  }

  /** One timer serves all items, as they wait equally long: whoever came first is the next one to be rejected. */
  function rejectOverdue(): void {
    timer = undefined;
    const now = performance.now();
    for (const { waitsUntil, reject } of [...inFlight, queue].flat()) {
      if (waitsUntil > now) return startTimer(waitsUntil - now);
      reject(new Error(`no flush within ${timeoutMs} ms; it may still succeed`));
    }
  }

  function startTimer(ms: number): void {
    timer = setTimeout(rejectOverdue, ms).unref();
  }

  return {
    submit(item) {
      const weight = weigh(item);
      if (held > 0 && held + weight > maxWaiting) {
        return Promise.reject(
          new BufferFullError(`no room for ${weight} beside ${held} of ${maxWaiting}: try again later`),
        );
      }
      held += weight;
      const waitsUntil = performance.now() + timeoutMs;
      const output = new Promise<O>((resolve, reject) =>
        queue.push({ item, weight, waitsUntil, resolve, reject }),
      );
      if (timer === undefined && Number.isFinite(timeoutMs)) startTimer(timeoutMs);
      queued += weight;
      if (lanes === 0 || (lanes < flushesAtOnce && queued >= maxFlush)) void runLane();
      return output;
    },
    idle: () => busy?.promise ?? Promise.resolve(),
  };
}

function weightOf(items: readonly { readonly weight: number }[]): number {
  return items.reduce((sum, { weight }) => sum + weight, 0);
}
