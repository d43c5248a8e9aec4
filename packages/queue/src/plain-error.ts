/**
 * What a server's client reported, as name, code and message alone. The originals carry more: ioredis
 * hangs the refused command on its errors, for AUTH and HELLO with the password among its arguments.
 */
export function plainError(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const plain: Error & { code?: unknown } = new Error(error.message || messageOfParts(error));
  plain.name = error.name;
  if ("code" in error) plain.code = error.code;
  return plain;
}

/** A connection refused on every address of a host has no message of its own. */
function messageOfParts(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((part) => plainError(part).message).join("; ")
    : error.name;
}
