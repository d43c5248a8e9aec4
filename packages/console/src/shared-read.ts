/**
 * Returns a function that reads what is the same for everybody, at most once at a time. Whoever asks while a read runs
 * gets the next one, together with all others who do: nobody gets what was read before the question.
 */
export function shareReads<Result>(read: () => Promise<Result>): () => Promise<Result> {
  let running: Promise<unknown> | undefined;
  let next: Promise<Result> | undefined;

  async function readNext(): Promise<Result> {
    await running?.catch(() => undefined);
    next = undefined;
    const started = read();
    running = started;
    return started;
  }

  return () => (next ??= readNext());
}
