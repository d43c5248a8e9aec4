/** A read of what is the same for everybody. */
export interface SharedRead<Result> {
  /** Returns what a read found that began within the last `freshMs`, and after the last `forget`. */
  read(): Promise<Result>;
  /** Has what was read until now not be returned any more: something has changed it that somebody will look for. */
  forget(): void;
}

/** Reads what is the same for everybody at most once at a time. Failed reads are not kept. */
export function shareReads<Result>(read: () => Promise<Result>, freshMs: number): SharedRead<Result> {
  let last: { readonly result: Promise<Result>; readonly until: number } | undefined;
  let next: Promise<Result> | undefined;
  let running: Promise<unknown> | undefined;

  async function readNext(): Promise<Result> {
    await running?.catch(() => undefined);
    next = undefined;
    const result = read();
    const begun = { result, until: performance.now() + freshMs };
    [running, last] = [result, begun];
    result.catch(() => {
      if (last === begun) last = undefined;
    });
    return result;
  }

  return {
    read: () => (last !== undefined && performance.now() < last.until ? last.result : (next ??= readNext())),
    forget() {
      last = undefined;
    },
  };
}
