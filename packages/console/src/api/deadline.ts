/**
 * A signal that is aborted after `ms` milliseconds, or with any of the others. Ends with the caller's block (`using`)
 * and leaves nothing behind, neither a timer nor a listener.
 */
export function abortedAfter(
  ms: number,
  others: readonly AbortSignal[],
): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const abort = () => controller.abort();
  const timer = setTimeout(abort, ms);
  for (const other of others) {
    if (other.aborted) abort();
    other.addEventListener("abort", abort);
  }
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const other of others) other.removeEventListener("abort", abort);
    },
  };
}
