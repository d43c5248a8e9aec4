/**
 * Runs `work`, but waits no longer than `ms` for it; its signal is aborted then.
 * Rejects with what `work` rejects with, or, when the time is over, with an error that names `what`.
 */
export async function within<T>(
  ms: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { promise: timedOut, reject } = Promise.withResolvers<never>();
  const over = new AbortController();
  const timer = setTimeout(() => {
    reject(new Error(`${what}: no answer within ${ms} ms`));
    over.abort();
  }, ms);
  try {
    return await Promise.race([work(over.signal), timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
