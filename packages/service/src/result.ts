/** What a step of starting up gives: its value, or what went wrong, in words for the person who starts the service. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

/**
 * The edge for failures at start: the value, or the message on stderr and the end of the process
 * with code 1. For the `main` of a service alone.
 */
export function orExit<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  process.stderr.write(`${result.error}\n`);
  process.exit(1);
}
