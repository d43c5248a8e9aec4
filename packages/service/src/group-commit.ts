/** Thrown to a caller whose item found no room: too much is waiting already. Nothing of it was begun. */
export class BufferFullError extends Error {
  override readonly name = "BufferFullError";
}

export interface GroupCommitOptions<I> {
  /** What one item costs: its bytes, or the number of things in it. */
  readonly weigh: (item: I) => number;
  /** The weight of one flush at the most; a single item may exceed it. Larger flushes commit less often and hold more memory. */
  readonly maxFlush: number;
  /** The weight that may wait or be in flight; beyond it callers get `BufferFullError`. Bounds the memory. */
  readonly maxWaiting: number;
}

export interface GroupCommit<I, O> {
  /** Gives the item's part of its flush's answer, or the flush's error. */
  submit(item: I): Promise<O>;
  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void>;
}

interface Waiting<I, O> {
  readonly item: I;
  readonly weight: number;
  readonly resolve: (output: O) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Lets callers that wait at the same time share one commit: one flush is in flight, and all who come meanwhile
 * share the next. Under light load an item is flushed at once; under heavy load flushes grow by themselves.
 *
 * `flush` gets the items in the order of their submission, and gives one output for each, in the same order.
 */
export function groupCommit<I, O>(
  flush: (items: readonly I[]) => Promise<readonly O[]>,
  { weigh, maxFlush, maxWaiting }: GroupCommitOptions<I>,
): GroupCommit<I, O> {
  let queue: Waiting<I, O>[] = [];
  let held = 0;
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    // What is submitted in the same turn of the event loop belongs together.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      const batch = takeBatch();
      try {
        const outputs = await flush(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, i) => resolve(outputs[i] as O));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
      for (const { weight } of batch) held -= weight;
    }
    running = undefined;
  }

  function takeBatch(): Waiting<I, O>[] {
    let weight = 0;
    const end = queue.findIndex((waiting, i) => (weight += waiting.weight) > maxFlush && i > 0);
    const batch = end === -1 ? queue : queue.slice(0, end);
    queue = end === -1 ? [] : queue.slice(end);
    return batch;
  }

  return {
    submit(item) {
      const weight = weigh(item);
      if (held > 0 && held + weight > maxWaiting) {
        return Promise.reject(
          new BufferFullError(`${held} of at most ${maxWaiting} are waiting: try again later`),
        );
      }
      held += weight;
      const output = new Promise<O>((resolve, reject) => queue.push({ item, weight, resolve, reject }));
      running ??= run();
      return output;
    },
    idle: () => running ?? Promise.resolve(),
  };
}
