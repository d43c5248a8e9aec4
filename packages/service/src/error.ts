/** What may be said of an error where others read it: in a log, an answer, a stored failure. */
export interface ErrorDescription {
  /** The class of the error, such as `DatabaseError`. */
  readonly type: string;
  /** A stable code, such as `ECONNREFUSED` or an SQLSTATE. */
  readonly code?: string;
  readonly message: string;
  /** Where it was thrown: the frames alone, without the message. */
  readonly stack?: string;
  readonly cause?: ErrorDescription;
}

const DEEPEST_CAUSE = 5;

/**
 * Describes anything thrown by what carries no personal data. Postgres's `detail`, `where`,
 * `parameters` and query are left behind because they hold rows; whatever else an error carries
 * is left behind because nobody can know.
 */
export function describeError(error: unknown): ErrorDescription {
  return describe(error, 0);
}

function describe(error: unknown, depth: number): ErrorDescription {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: "something that is no Error was thrown" };
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const stack = frames(error.stack);
  // Where a host has several addresses, Node gathers one refusal from each under an empty message.
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return {
    type: error.constructor.name,
    ...(code !== undefined && { code }),
    message: withoutInput(error, code) || code || "no message",
    ...(stack !== undefined && { stack }),
    ...(cause !== undefined && depth < DEEPEST_CAUSE && { cause: describe(cause, depth + 1) }),
  };
}

/** JSON.parse and Postgres's data exceptions (SQLSTATE class 22) quote the input they refuse. */
function withoutInput(error: Error, code: string | undefined): string {
  const quotesInput = error instanceof SyntaxError || /^22[0-9A-Z]{3}$/.test(code ?? "");
  return quotesInput ? error.message.replace(/".*"/s, '"…"') : error.message;
}

function frames(stack: string | undefined): string | undefined {
  return stack
    ?.split("\n")
    .filter((line) => /^ {4}at /.test(line))
    .join("\n");
}
