import { onTestFinished } from "vitest";

/** When what a fixture opened is closed again. A test's context is one. */
export interface Scope {
  onTestFinished(close: () => unknown): void;
}

/**
 * Opens a scope for what the tests of a file share: return its `close` from `beforeAll`. What was opened last is closed
 * first.
 */
export function openScope(): Scope & AsyncDisposable & { close(): Promise<void> } {
  const opened: (() => unknown)[] = [];
  async function close(): Promise<void> {
    for (const closeOne of opened.reverse()) await closeOne();
  }
  return { onTestFinished: (closeOne) => void opened.push(closeOne), close, [Symbol.asyncDispose]: close };
}

/** The running test's scope, where its context is not at hand. */
export const runningTest: Scope = {
  onTestFinished: (close) =>
    onTestFinished(async () => {
      await close();
    }),
};
